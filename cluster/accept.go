package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"
)

// acceptAll takes connections until Shutdown. It never waits for one of them.
func (t *transport) acceptAll() {
	var wait time.Duration
	for {
		conn, err := t.tcp.Accept()
		if err != nil {
			if wait, err = t.pause(wait, err); err != nil {
				return
			}
			continue
		}
		wait = 0
		t.letIn(conn)
	}
}

func (t *transport) letIn(conn net.Conn) {
	host := hostOf(conn.RemoteAddr())
	if !t.turnstile.enter(host) {
		_ = conn.Close()
		t.refused.add(host, errCrowded)
		return
	}
	t.wg.Go(func() {
		defer t.turnstile.leave(host)
		t.admit(conn, host)
	})
}

// admit has the key proved and passes the connection on.
func (t *transport) admit(conn net.Conn, host netip.Addr) {
	session, protocol, err := t.hands.accept(t.live, conn)
	if err != nil {
		_ = conn.Close()
		if t.live.Err() == nil {
			t.refused.add(host, err)
		}
		return
	}
	switch protocol {
	case linkALPN:
		t.offer(t.linked, session)
	case tunnelALPN:
		t.admitTunnel(session)
	default:
		t.admitGossip(session)
	}
}

func (t *transport) admitGossip(session *tls.Conn) {
	if s, ok := t.track(session); ok {
		t.offer(t.gossip, s)
	} else {
		_ = session.NetConn().Close()
	}
}

func (t *transport) admitTunnel(session *tls.Conn) {
	if s, err := t.tunnels.accepted(session); err == nil {
		t.offer(t.tunnels.came, s)
	} else {
		_ = session.NetConn().Close()
	}
}

// offer closes what nobody takes within a moment.
func (t *transport) offer(to chan<- net.Conn, conn net.Conn) {
	ctx, cancel := context.WithTimeout(t.live, takeTime)
	defer cancel()
	select {
	case to <- conn:
	case <-ctx.Done():
		_ = conn.Close()
	}
}

// pause waits after an error of a socket, each time longer: out of descriptors
// is one that passes. It returns an error when the transport has been shut down.
func (t *transport) pause(last time.Duration, err error) (time.Duration, error) {
	if t.live.Err() != nil || errors.Is(err, net.ErrClosed) {
		return 0, net.ErrClosed
	}
	if last == 0 {
		t.logger.Warn("cluster: the cluster port has trouble, and tries again", "err", err)
	}
	wait := min(max(2*last, 5*time.Millisecond), maxAcceptWait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return wait, nil
	case <-t.live.Done():
		return 0, net.ErrClosed
	}
}
