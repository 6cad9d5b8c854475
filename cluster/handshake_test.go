package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newKey(t testing.TB) Key {
	t.Helper()
	b := make([]byte, KeySize)
	rand.Read(b)
	k, err := ParseKey(base64.StdEncoding.EncodeToString(b))
	must(t, err)
	return k
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newHands(t testing.TB, k Key) *handshaker {
	t.Helper()
	derived, err := deriveKeys(k)
	must(t, err)
	h, err := newHandshaker(derived.proof)
	must(t, err)
	return h
}

// tcpPair returns the two ends of a connection over loopback, which the test closes.
func tcpPair(t testing.TB) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	dialled, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	accepted, err = l.Accept()
	must(t, err)
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled, accepted
}

type accepted struct {
	session  *tls.Conn
	protocol string
	err      error
	took     time.Duration
}

// acceptOn runs the listener's side, and closes conn after an error as the transport does.
func acceptOn(h *handshaker, conn net.Conn) <-chan accepted {
	done := make(chan accepted, 1)
	go func() {
		start := time.Now()
		session, protocol, err := h.accept(context.Background(), conn)
		if err != nil {
			conn.Close()
		}
		done <- accepted{session, protocol, err, time.Since(start)}
	}()
	return done
}

// tlsTo is a stranger's TLS session, who has no key but whatever he likes else.
func tlsTo(t testing.TB, conn net.Conn, protocols ...string) *tls.Conn {
	t.Helper()
	session := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
	must(t, session.Handshake())
	return session
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestKeysAreDerived(t *testing.T) {
	k := newKey(t)
	a, err := deriveKeys(k)
	must(t, err)
	b, err := deriveKeys(k)
	must(t, err)
	open, err := deriveKeys(Key{})
	must(t, err)
	if !bytes.Equal(a.gossip, b.gossip) || !bytes.Equal(a.proof, b.proof) {
		t.Error("one key gives different keys")
	}
	distinct := map[string]bool{k.secret: true}
	for _, derived := range [][]byte{a.gossip, a.proof, open.gossip, open.proof} {
		if len(derived) != 32 {
			t.Errorf("a key of %d bytes", len(derived))
		}
		distinct[string(derived)] = true
	}
	if len(distinct) != 5 {
		t.Error("keys of different purposes are the same")
	}
}

func TestI9HandshakeProvesBothSides(t *testing.T) {
	for _, protocol := range protocols {
		for _, key := range []Key{{}, newKey(t)} {
			client, server := tcpPair(t)
			done := acceptOn(newHands(t, key), server)
			session, err := newHands(t, key).dial(t.Context(), client, protocol)
			must(t, err)
			got := <-done
			must(t, got.err)
			if got.protocol != protocol {
				t.Errorf("protocol %q, want %q", got.protocol, protocol)
			}
			state := session.ConnectionState()
			if state.Version != tls.VersionTLS13 || state.DidResume {
				t.Errorf("TLS %x, resumed %v", state.Version, state.DidResume)
			}
			exchange(t, session, got.session)
		}
	}
}

// exchange sends a line each way.
func exchange(t testing.TB, a, b net.Conn) {
	t.Helper()
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		must(t, way[0].SetDeadline(time.Now().Add(patience)))
		must(t, way[1].SetDeadline(time.Now().Add(patience)))
		line := []byte("to whom it concerns\n")
		_, err := way[0].Write(line)
		must(t, err)
		got := make([]byte, len(line))
		_, err = io.ReadFull(way[1], got)
		must(t, err)
		if !bytes.Equal(got, line) {
			t.Fatalf("got %q", got)
		}
	}
}

func TestI9HandshakeRefusesAnotherKey(t *testing.T) {
	mine := newKey(t)
	for name, other := range map[string]Key{"another key": newKey(t), "no key": {}} {
		for _, c := range []struct {
			name             string
			dialler, listens Key
		}{{"dials", other, mine}, {"listens", mine, other}} {
			t.Run(name+" "+c.name, func(t *testing.T) {
				client, server := tcpPair(t)
				done := acceptOn(newHands(t, c.listens), server)
				_, err := newHands(t, c.dialler).dial(t.Context(), client, linkALPN)
				wantErr(t, err, ErrWrongKey)
				for _, want := range []string{"did not accept our cluster key", client.RemoteAddr().String()} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q does not say %q", err, want)
					}
				}
				got := <-done
				wantErr(t, got.err, ErrWrongKey)
				if !strings.Contains(got.err.Error(), server.RemoteAddr().String()) {
					t.Errorf("%q does not say whose", got.err)
				}
			})
		}
	}
}

// stealProof has an honest dialler prove himself to a listener without a key,
// which answers with what reply makes of the proof.
func stealProof(t testing.TB, key Key, protocol string, reply func([]byte) []byte) (stolen []byte, dialErr error) {
	t.Helper()
	client, server := tcpPair(t)
	thief := newHands(t, newKey(t))
	got := make(chan []byte, 1)
	go func() {
		session := tls.Server(server, thief.config(protocol))
		proof := make([]byte, 33)
		_, err := io.ReadFull(session, proof)
		if err == nil && reply != nil {
			_, _ = session.Write(reply(proof))
		}
		server.Close()
		got <- proof
	}()
	_, err := newHands(t, key).dial(t.Context(), client, protocol)
	return <-got, err
}

func TestI9RecordedProofIsWorthNothing(t *testing.T) {
	key := newKey(t)
	stolen, err := stealProof(t, key, linkALPN, nil)
	wantErr(t, err, errBrokeOff)
	client, server := tcpPair(t)
	done := acceptOn(newHands(t, key), server)
	sayAndExpectNothing(t, tlsTo(t, client, linkALPN), stolen)
	wantErr(t, (<-done).err, ErrWrongKey)
}

// sayAndExpectNothing sends a false proof: all that may come back are the zeros of "not accepted".
func sayAndExpectNothing(t testing.TB, session *tls.Conn, proof []byte) {
	t.Helper()
	must(t, session.SetDeadline(time.Now().Add(patience)))
	_, err := session.Write(proof)
	must(t, err)
	answer, _ := io.ReadAll(session)
	if !bytes.Equal(answer, make([]byte, 32)) {
		t.Errorf("a stranger was answered %x", answer)
	}
}

func TestI9OwnProofGivenBack(t *testing.T) {
	_, err := stealProof(t, newKey(t), linkALPN, func(proof []byte) []byte { return proof[1:] })
	wantErr(t, err, ErrWrongKey)
	if !strings.Contains(err.Error(), "did not prove") {
		t.Errorf("%q", err)
	}
}

// Proofs made with the right key and in this very session, for another purpose.
func TestI9ProofOfAnotherPurpose(t *testing.T) {
	key := newKey(t)
	h := newHands(t, key)
	for name, make := range map[string]func(*tls.Conn) ([]byte, error){
		"listener's": func(s *tls.Conn) ([]byte, error) { _, l, err := h.proofs(s, linkALPN); return l, err },
		"gossip's":   func(s *tls.Conn) ([]byte, error) { d, _, err := h.proofs(s, gossipALPN); return d, err },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			done := acceptOn(newHands(t, key), server)
			session := tlsTo(t, client, linkALPN)
			proof, err := make(session)
			must(t, err)
			sayAndExpectNothing(t, session, append([]byte{handshakeVersion}, proof...))
			wantErr(t, (<-done).err, ErrWrongKey)
		})
	}
}

// Someone in the middle ends TLS on both sides and passes on every byte inside.
func TestI9ManInTheMiddle(t *testing.T) {
	key := newKey(t)
	client, left := tcpPair(t)
	right, server := tcpPair(t)
	middle := newHands(t, newKey(t))
	inner := tls.Server(left, middle.config(linkALPN))
	outer := tls.Client(right, middle.config(linkALPN))
	for _, way := range [][2]*tls.Conn{{inner, outer}, {outer, inner}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].NetConn().Close()
		}()
	}
	done := acceptOn(newHands(t, key), server)
	_, err := newHands(t, key).dial(t.Context(), client, linkALPN)
	wantErr(t, err, ErrWrongKey)
	wantErr(t, (<-done).err, ErrWrongKey)
	client.Close()
}

func TestI9OtherProtocolsAndVersions(t *testing.T) {
	h := newHands(t, newKey(t))
	for name, stranger := range map[string]func(net.Conn) error{
		"no ALPN": func(c net.Conn) error {
			return tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
		},
		"other ALPN": func(c net.Conn) error {
			_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).Handshake()
			return nil
		},
		"TLS 1.2": func(c net.Conn) error {
			_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{linkALPN}, MaxVersion: tls.VersionTLS12}).Handshake()
			return nil
		},
		"no TLS": func(c net.Conn) error {
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: chat\r\n\r\n")
			return err
		},
		"version 2": func(c net.Conn) error {
			s := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{linkALPN}})
			_, err := s.Write(bytes.Repeat([]byte{2}, 33))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			done := acceptOn(h, server)
			must(t, stranger(client))
			wantErr(t, (<-done).err, ErrNotKlatch)
		})
	}
}

func TestI9DialledIsNotKlatch(t *testing.T) {
	h := newHands(t, newKey(t))
	for name, stranger := range map[string]func(net.Conn){
		"HTTP":  func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") },
		"Redis": func(c net.Conn) { io.WriteString(c, "-ERR unknown command\r\n") },
		"HTTPS": func(c net.Conn) { _ = tls.Server(c, h.config("h2", "http/1.1")).Handshake() },
		"TLS without ALPN": func(c net.Conn) {
			_ = tls.Server(c, h.config()).Handshake()
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			served := make(chan struct{})
			go func() { defer close(served); stranger(server) }()
			_, err := h.dial(t.Context(), client, linkALPN)
			wantErr(t, err, ErrNotKlatch)
			client.Close()
			<-served
		})
	}
}

// A stranger who sends a byte now and then gets handshakeTime, no more.
func TestI9SlowStrangers(t *testing.T) {
	key := newKey(t)
	for name, prepare := range map[string]func(testing.TB, net.Conn) net.Conn{
		"in TLS":       func(_ testing.TB, c net.Conn) net.Conn { return c },
		"in the proof": func(t testing.TB, c net.Conn) net.Conn { return tlsTo(t, c, linkALPN) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				done := acceptOn(newHands(t, key), server)
				drip(prepare(t, client))
				got := <-done
				wantErr(t, got.err, errSilent)
				if got.took != handshakeTime {
					t.Errorf("took %v", got.took)
				}
				client.Close()
			})
		})
	}
}

// drip sends the beginning of a large TLS record, a byte each 400 ms, until nobody reads.
func drip(c net.Conn) {
	for _, b := range append([]byte{22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xf0}, make([]byte, 1000)...) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(400 * time.Millisecond) // of synctest's time
	}
}

// What limits the handshake does not end the connection that it made.
func TestHandshakeLeavesNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), handshakeTime)
		h := newHands(t, Key{})
		done := acceptOn(h, server)
		session, err := h.dial(ctx, client, linkALPN)
		must(t, err)
		cancel()
		got := <-done
		must(t, got.err)
		time.Sleep(time.Hour) // of synctest's time
		go func() { _, _ = session.Write([]byte("x")) }()
		_, err = io.ReadFull(got.session, make([]byte, 1))
		must(t, err)
		go func() { _, _ = got.session.Write([]byte("x")) }()
		_, err = io.ReadFull(session, make([]byte, 1))
		must(t, err)
		client.Close()
		server.Close()
	})
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		h := newHands(t, Key{})
		// The other ends say nothing.
		deaf, mute := net.Pipe()
		go func() { _, err := h.dial(ctx, client, linkALPN); errs <- err }()
		go func() { _, _, err := h.accept(ctx, mute); errs <- err }()
		synctest.Wait()
		cancel()
		for range 2 {
			wantErr(t, <-errs, context.Canceled)
		}
		for _, c := range []net.Conn{client, server, deaf, mute} {
			c.Close()
		}
	})
}
