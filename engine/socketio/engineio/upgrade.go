package engineio

import (
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// serveUpgrade accepts a WebSocket for a session that polls. The session stays
// with polling until the client has probed the WebSocket and says so.
func (s *Session) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	sockets := s.server.config.Sockets
	l := &link{session: s}
	if !s.beginProbe(l) {
		// Accepted and closed, as the reference does: a browser tells its page nothing of a refusal.
		if c, err := sockets.Accept(w, r, s.server.acceptance(unwanted{})); err == nil {
			c.Close(engine.CloseNormal, "the session has its WebSocket")
		}
		return
	}
	timer := time.AfterFunc(s.server.config.UpgradeTimeout, func() { s.probeFailed(l) })
	c, err := sockets.Accept(w, r, s.server.acceptance(l))
	if err != nil {
		timer.Stop()
		s.probeFailed(l)
		return
	}
	s.bindProbe(l, c)
}

// beginProbe makes l the one WebSocket that may be upgraded to.
func (s *Session) beginProbe(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage != alive || s.direct || s.ws.Load() != nil || s.probing != nil {
		return false
	}
	s.probing = l
	return true
}

// bindProbe names the connection of l, which may have been dropped meanwhile.
func (s *Session) bindProbe(l *link, c *socket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.conn = c; l.dropped {
		c.Close(engine.CloseNormal, "")
	}
}

// probe takes what comes on a WebSocket before the session is on it.
func (l *link) probe(c *socket.Conn, p packet, err error) {
	s := l.session
	switch {
	case err != nil || p.binary:
		s.probeFailed(l)
		c.Close(engine.CloseProtocolError, "")
	case p.kind == typePing && string(p.data) == probe:
		if s.answerProbe(l) {
			c.Send(probeFrame)
		}
	case p.kind == typeUpgrade:
		l.live = s.moveTo(l, c)
	default:
		s.probeFailed(l)
		c.Close(engine.CloseProtocolError, "")
	}
}

// answerProbe lets the waiting poll go, so that its client can stop polling.
func (s *Session) answerProbe(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing != l {
		return false
	}
	s.probed = true
	s.wakeLocked()
	return true
}

// moveTo makes c the session's transport.
func (s *Session) moveTo(l *link, c *socket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing != l || s.stage != alive {
		return false
	}
	s.probing, s.probed = nil, false
	s.beat.stopLocked()
	s.settlePollLocked(noopFrame)
	s.moveLocked(c)
	return true
}

// probeFailed gives up a WebSocket, unless the session is on it.
func (s *Session) probeFailed(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing == l {
		s.dropProbeLocked()
	}
}

func (s *Session) dropProbeLocked() {
	l := s.probing
	if l == nil {
		return
	}
	s.probing, s.probed = nil, false
	if l.dropped = true; l.conn != nil {
		l.conn.Close(engine.CloseNormal, "")
	}
}

// unwanted is the handler of a WebSocket that nobody needs.
type unwanted struct{}

func (unwanted) Message(*socket.Conn, bool, []byte)           {}
func (unwanted) Beat(*socket.Conn)                            {}
func (unwanted) Closed(*socket.Conn, engine.CloseCode, error) {}
