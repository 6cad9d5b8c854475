package cluster

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// tunnel is a byte stream between this node and a peer, a net.Conn for whoever
// dialled or accepted it.
type tunnel struct {
	net.Conn // the TLS session
	session  *tls.Conn
	set      *tunnels
	way      way
	peer     string // the run (memberName) that was dialled; empty where this node was

	silence *time.Timer // ends one that was accepted and on which nothing comes; nil: dialled
	heard   sync.Once
}

// Read implements net.Conn.
func (t *tunnel) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 && t.silence != nil {
		t.heard.Do(func() { t.silence.Stop() })
	}
	return n, err
}

// CloseWrite tells the peer that nothing more comes, for who wants to read on.
func (t *tunnel) CloseWrite() error { return t.session.CloseWrite() }

// Close implements net.Conn. It goes past TLS, whose farewell could wait for a
// peer that does not read: what is said over a tunnel must know its own end.
func (t *tunnel) Close() error {
	if !t.set.forget(t) {
		return net.ErrClosed
	}
	return t.cut()
}

func (t *tunnel) cut() error {
	if t.silence != nil {
		t.silence.Stop()
	}
	return t.session.NetConn().Close()
}
