package cluster

import "crypto/tls"

// stream is a connection that memberlist uses. memberlist's Shutdown waits for
// none of its own, so the transport knows them and closes them at its end.
type stream struct {
	*tls.Conn
	t *transport
}

func (s *stream) Close() error {
	s.t.mu.Lock()
	delete(s.t.streams, s)
	s.t.mu.Unlock()
	return s.Conn.Close()
}

// track returns false after Shutdown.
func (t *transport) track(session *tls.Conn) (*stream, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams == nil {
		return nil, false
	}
	s := &stream{session, t}
	t.streams[s] = struct{}{}
	return s, true
}

func (t *transport) untrackAll() map[*stream]struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.streams
	t.streams = nil
	return all
}
