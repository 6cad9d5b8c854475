package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"
)

// FuzzListenerBytes is a stranger who sends whatever he likes to the cluster port.
func FuzzListenerBytes(f *testing.F) {
	for _, seed := range [][]byte{
		[]byte("GET / HTTP/1.1\r\n\r\n"), record(22, 4, []byte{1, 0, 0, 0}), record(22, 65535, make([]byte, 100)), recordedHello(f),
	} {
		f.Add(seed)
	}
	h := newHands(f, newKey(f))
	f.Fuzz(func(t *testing.T, sent []byte) {
		client, server := net.Pipe()
		done := acceptOn(h, server)
		go func() { _, _ = io.Copy(io.Discard, client) }()
		_, _ = client.Write(sent)
		client.Close()
		if got := <-done; got.err == nil {
			t.Fatal("a stranger was let in")
		}
	})
}

// recordedHello is the first flight of an honest dialler.
func recordedHello(t testing.TB) []byte {
	client, server := net.Pipe()
	done := make(chan []byte, 1)
	go func() {
		defer server.Close()
		b := make([]byte, 64<<10)
		n, _ := server.Read(b)
		done <- b[:n]
	}()
	_, _ = newHands(t, Key{}).dial(context.Background(), client, linkALPN)
	client.Close()
	return <-done
}

// FuzzListenerProof is a stranger with TLS and the right ALPN, and any proof.
func FuzzListenerProof(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 33))
	f.Add(append([]byte{handshakeVersion}, make([]byte, 32)...))
	f.Add(append([]byte{handshakeVersion}, make([]byte, 40_000)...))
	h := newHands(f, newKey(f))
	f.Fuzz(func(t *testing.T, sent []byte) {
		client, server := net.Pipe()
		done := acceptOn(h, server)
		session := tls.Client(client, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{linkALPN}})
		must(t, session.Handshake())
		answered := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(session)
			answered <- b
		}()
		_, _ = session.Write(sent)
		if len(sent) < 33 {
			client.Close()
		}
		if got := <-done; got.err == nil {
			t.Fatal("a stranger was let in")
		}
		client.Close()
		if b := <-answered; !bytes.Equal(b, make([]byte, len(b))) || len(b) > 32 {
			t.Fatalf("a stranger was answered %x", b)
		}
	})
}

// FuzzPackets feeds a running memberlist with packets, as they are and, as a
// member who has lost his mind, encrypted with the right key.
func FuzzPackets(f *testing.F) {
	key := newKey(f)
	tr := openTransport(f, key, "127.0.0.1", &journal{})
	m := openMemberlist(f, tr, "fuzzed")
	for _, seed := range strangePackets(f, tr) {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	from := netip.MustParseAddrPort("127.0.0.1:9")
	f.Fuzz(func(t *testing.T, packet []byte, member bool) {
		before := tr.refusals()
		if member && len(packet) > 0 {
			packet = sealPacket(t, tr, packet)
		}
		if len(packet) > maxPacket {
			return
		}
		tr.receive(packet, nil, from)
		refused := tr.refusals() > before
		if refused == (member && len(packet) > 0) {
			t.Fatalf("member %v, refused %v", member, refused)
		}
		if m.LocalNode().Name != "fuzzed" {
			t.Fatal("lost itself")
		}
	})
}
