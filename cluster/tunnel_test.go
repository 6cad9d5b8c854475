package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/memberlist"

	"github.com/klatch-chat/klatch/engine"
)

// openMembers starts nodes that are all linked.
func openMembers(t testing.TB, size int, change func(*Config)) (nodes []*node) {
	t.Helper()
	for range size {
		nodes = append(nodes, openNodeWith(t, vfs.NewMem(), func(c *Config) {
			change(c)
			if len(nodes) > 0 {
				c.Join = []string{nodes[0].cluster.Addr()}
			}
		}))
	}
	eventually(t, "linked", linked(nodes...))
	return nodes
}

func openTwo(t testing.TB) (a, b *node) {
	t.Helper()
	nodes := openMembers(t, 2, func(*Config) {})
	return nodes[0], nodes[1]
}

func (n *node) origin() engine.Origin { return n.store.Origin() }

func (n *node) run() string { return memberName(n.cluster.origin, n.cluster.boot) }

// tunnelTo dials a node and returns both ends.
func (n *node) tunnelTo(o *node) (dialled, accepted net.Conn) {
	n.t.Helper()
	dialled, err := n.cluster.Dial(context.Background(), o.origin())
	must(n.t, err)
	n.t.Cleanup(func() { dialled.Close() })
	accepted, err = o.cluster.Listener().Accept()
	must(n.t, err)
	n.t.Cleanup(func() { accepted.Close() })
	return dialled, accepted
}

// ended reports what a read of an end that nothing comes from any more returns.
func ended(t testing.TB, c net.Conn) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	n, err := c.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func (n *node) tunnels() (dialled, accepted int) {
	s := n.cluster.Stats()
	return s.TunnelsDialled, s.TunnelsAccepted
}

// awaitTunnels waits until a node has so many.
func (n *node) awaitTunnels(dialled, accepted int) {
	n.t.Helper()
	eventually(n.t, "the tunnels counted", func() bool {
		d, a := n.tunnels()
		return d == dialled && a == accepted
	})
}

func TestTunnelCarriesBothWays(t *testing.T) {
	a, b := openTwo(t)
	for _, ends := range [][2]*node{{a, b}, {b, a}} {
		dialled, accepted := ends[0].tunnelTo(ends[1])
		exchange(t, dialled, accepted)
		ends[0].awaitTunnels(1, 0)
		ends[1].awaitTunnels(0, 1)
		must(t, dialled.Close())
		ended(t, accepted)
		must(t, accepted.Close())
		wantErr(t, accepted.Close(), net.ErrClosed)
		ends[0].awaitTunnels(0, 0)
		ends[1].awaitTunnels(0, 0)
	}
}

// A megabyte each way at once, and then the end of one side while the other still speaks.
func TestTunnelCarriesMuch(t *testing.T) {
	a, b := openTwo(t)
	dialled, accepted := a.tunnelTo(b)
	const much = 1 << 20
	var wg sync.WaitGroup
	for _, c := range []net.Conn{dialled, accepted} {
		must(t, c.SetDeadline(time.Now().Add(patience)))
		wg.Go(func() {
			if n, err := c.Write(make([]byte, much)); n != much || err != nil {
				t.Errorf("wrote %d, %v", n, err)
			}
		})
		wg.Go(func() {
			if n, err := io.CopyN(io.Discard, c, much); err != nil {
				t.Errorf("read %d, %v", n, err)
			}
		})
	}
	wg.Wait()
	must(t, dialled.(interface{ CloseWrite() error }).CloseWrite())
	_, err := accepted.Read(make([]byte, 1))
	wantErr(t, err, io.EOF)
	_, err = accepted.Write([]byte("x"))
	must(t, err)
	_, err = io.ReadFull(dialled, make([]byte, 1))
	must(t, err)
}

func TestTunnelDeadlines(t *testing.T) {
	a, b := openTwo(t)
	dialled, accepted := a.tunnelTo(b)
	for _, c := range []net.Conn{dialled, accepted} {
		must(t, c.SetReadDeadline(time.Unix(1, 0)))
		_, err := c.Read(make([]byte, 1))
		wantErr(t, err, os.ErrDeadlineExceeded)
	}
	exchange(t, dialled, accepted)
}

func TestTunnelToNoMember(t *testing.T) {
	a, b := openTwo(t)
	for name, o := range map[string]engine.Origin{"unknown": 1, "itself": a.origin()} {
		if _, err := a.cluster.Dial(t.Context(), o); !errors.Is(err, ErrNotMember) {
			t.Errorf("%s: %v", name, err)
		}
		if a.cluster.Reaches(o) {
			t.Errorf("reaches %s", name)
		}
	}
	if !a.cluster.Reaches(b.origin()) {
		t.Error("does not reach its peer")
	}
	b.stop()
	eventually(t, "the peer known for dead", func() bool {
		_, err := a.cluster.Dial(t.Context(), b.origin())
		return errors.Is(err, ErrNotMember)
	})
	a.awaitTunnels(0, 0)
}

func TestTunnelEndsWithEitherNode(t *testing.T) {
	for name, dying := range map[string]int{"dialler": 0, "listener": 1} {
		t.Run(name, func(t *testing.T) {
			a, b := openTwo(t)
			there, back := a.tunnelTo(b)
			exchange(t, there, back)
			idle, other := a.tunnelTo(b)
			accepting := make(chan error, 1)
			victim := []*node{a, b}[dying]
			go func() { _, err := victim.cluster.Listener().Accept(); accepting <- err }()
			victim.stop()
			for _, end := range []net.Conn{there, back, idle, other} {
				ended(t, end)
			}
			wantErr(t, receive(t, accepting), net.ErrClosed)
			_, err := victim.cluster.Listener().Accept()
			wantErr(t, err, net.ErrClosed)
			if _, err := victim.cluster.Dial(t.Context(), a.origin()+b.origin()-victim.origin()); err == nil {
				t.Error("dialled after Close")
			}
		})
	}
}

// A peer that is dead for gossip may have left its connections standing.
func TestTunnelsEndByGossip(t *testing.T) {
	nodes := openMembers(t, 3, func(*Config) {})
	a, b, c := nodes[0], nodes[1], nodes[2]
	toB, fromA := a.tunnelTo(b)
	toC, atC := a.tunnelTo(c)
	exchange(t, toB, fromA)
	(*gossiped)(a.cluster).NotifyLeave(&memberlist.Node{Name: b.run(), Addr: net.IPv4(127, 0, 0, 1)})
	ended(t, toB)
	ended(t, fromA)
	exchange(t, toC, atC)
	a.awaitTunnels(1, 0)
}

// I6: past the bounds of either side tunnels are refused, and counted.
func TestI6TunnelsAreBounded(t *testing.T) {
	most := 3
	nodes := openMembers(t, 2, func(c *Config) { c.Tunnels, most = most, most-1 }) // a dials 3, b accepts 2
	a, b := nodes[0], nodes[1]
	first, _ := a.tunnelTo(b)
	a.tunnelTo(b)
	refused, err := a.cluster.Dial(t.Context(), b.origin()) // b closes it
	must(t, err)
	ended(t, refused)
	if _, err := a.cluster.Dial(t.Context(), b.origin()); !errors.Is(err, ErrTooManyTunnels) {
		t.Errorf("the fourth: %v", err)
	}
	if n, m := a.cluster.Stats().TunnelsRefused, b.cluster.Stats().TunnelsRefused; n != 1 || m != 1 {
		t.Errorf("counted %d and %d", n, m)
	}
	must(t, refused.Close())
	must(t, first.Close())
	a.awaitTunnels(1, 0)
	b.cluster.transport.tunnels.mu.Lock()
	accepted := b.cluster.transport.tunnels.places[inward]
	b.cluster.transport.tunnels.mu.Unlock()
	if accepted != 2 {
		t.Errorf("the bound counts %d that b has not closed", accepted)
	}
}

func TestListenerClosesAlone(t *testing.T) {
	a, b := openTwo(t)
	dialled, accepted := a.tunnelTo(b)
	l := b.cluster.Listener()
	must(t, l.Close())
	must(t, l.Close())
	_, err := l.Accept()
	wantErr(t, err, net.ErrClosed)
	exchange(t, dialled, accepted)
	late, err := a.cluster.Dial(t.Context(), b.origin())
	must(t, err)
	defer late.Close()
	ended(t, late)
}

// silentTunnel returns the two ends of a tunnel's TLS over a pipe, of synctest's time.
func silentTunnel(t *testing.T) (peer net.Conn, accepted *tunnel, set *tunnels) {
	t.Helper()
	client, server := net.Pipe()
	h := newHands(t, Key{})
	done := acceptOn(h, server)
	peer, err := h.dial(t.Context(), client, tunnelALPN)
	must(t, err)
	got := <-done
	must(t, got.err)
	set = newTunnels(1)
	accepted, err = set.accepted(got.session)
	must(t, err)
	return peer, accepted, set
}

// I6: a peer that says nothing loses its tunnel by itself; one that has spoken keeps it.
func TestI6SilentTunnelEnds(t *testing.T) {
	for name, speaks := range map[string]bool{"silent": false, "speaking": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peer, accepted, set := silentTunnel(t)
				begun := time.Now()
				time.Sleep(tunnelSilence - time.Second) // of synctest's time
				if speaks {
					go func() { _, _ = peer.Write([]byte("x")) }()
					_, err := io.ReadFull(accepted, make([]byte, 1))
					must(t, err)
				}
				time.AfterFunc(time.Hour, func() { _ = accepted.SetReadDeadline(time.Unix(1, 0)) })
				_, err := accepted.Read(make([]byte, 1))
				if took := time.Since(begun); (took < time.Hour) == speaks || err == nil {
					t.Errorf("ended after %v: %v", took, err)
				}
				_ = accepted.Close()
				if _, n, _ := set.stats(); n != 0 {
					t.Errorf("%d places taken", n)
				}
				peer.Close()
			})
		})
	}
}

// I9: without the key nobody has a tunnel, and no side of it.
func TestI9TunnelOfAnotherKey(t *testing.T) {
	a := openTransport(t, newKey(t), "127.0.0.1", &journal{})
	b := openTransport(t, newKey(t), "127.0.0.2", &journal{})
	taken := make(chan error, 1)
	go func() { _, err := b.tunnels.Accept(); taken <- err }()
	_, err := a.dialTunnel(t.Context(), b.addr(), "b")
	wantErr(t, err, ErrWrongKey)
	eventually(t, "refused", func() bool { return b.refusals() == 1 })
	must(t, b.tunnels.Close())
	wantErr(t, receive(t, taken), net.ErrClosed)
	for _, s := range []*tunnels{a.tunnels, b.tunnels} {
		if d, i, _ := s.stats(); d+i != 0 {
			t.Errorf("%d places out and %d in are taken", d, i)
		}
	}
}

// I9: neither a recorded proof opens a tunnel, nor one made for a link in this very session.
func TestI9TunnelProofs(t *testing.T) {
	key := newKey(t)
	h := newHands(t, key)
	recorded, err := stealProof(t, key, tunnelALPN, nil)
	wantErr(t, err, errBrokeOff)
	_, err = stealProof(t, key, tunnelALPN, func(proof []byte) []byte { return proof[1:] })
	wantErr(t, err, ErrWrongKey)

	client, server := tcpPair(t)
	done := acceptOn(h, server)
	sayAndExpectNothing(t, tlsTo(t, client, tunnelALPN), recorded)
	wantErr(t, (<-done).err, ErrWrongKey)

	client, server = tcpPair(t)
	done = acceptOn(h, server)
	session := tlsTo(t, client, tunnelALPN)
	ofLink, _, err := h.proofs(session, linkALPN)
	must(t, err)
	sayAndExpectNothing(t, session, append([]byte{handshakeVersion}, ofLink...))
	wantErr(t, (<-done).err, ErrWrongKey)
}

// Dials, ends and both nodes' ends at once leave nothing behind.
func TestTunnelsUnderClose(t *testing.T) {
	a, b := openTwo(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := b.cluster.Listener().Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(conn, conn); _ = conn.Close() })
		}
	})
	echoed := make(chan struct{}, 1)
	for range 4 {
		wg.Go(func() {
			for {
				conn, err := a.cluster.Dial(context.Background(), b.origin())
				if err != nil {
					return
				}
				if _, err := conn.Write([]byte("x")); err == nil {
					if _, err = conn.Read(make([]byte, 1)); err == nil {
						select {
						case echoed <- struct{}{}:
						default:
						}
					}
				}
				_ = conn.Close()
			}
		})
	}
	for range 10 {
		receive(t, echoed)
	}
	a.stop()
	b.stop()
	wg.Wait()
	for _, n := range []*node{a, b} {
		if d, i, _ := n.cluster.transport.tunnels.stats(); d+i != 0 {
			t.Errorf("%d places out and %d in are taken after Close", d, i)
		}
	}
}
