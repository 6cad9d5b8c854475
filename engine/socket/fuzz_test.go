package socket

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzClientStream feeds a client's bytes, cut in two anywhere: nothing
// panics, Closed is called once, and the boundary agrees with gws.
func FuzzClientStream(f *testing.F) {
	text := masked(TextFrame([]byte("hello")))
	for _, seed := range [][]byte{
		nil, text, slices.Concat(text, text), withFirst(opText, text), withFirst(0, text), {0x81}, text[:5],
		masked(newFrame(opPing, []byte("x"))), masked(newFrame(opPong, nil)), masked(closeFrame(1000, "bye")),
		masked(BinaryFrame(make([]byte, 300))), masked(BinaryFrame(make([]byte, 70_000))),
		TextFrame([]byte("unmasked")), masked(TextFrame([]byte("\xff"))),
		{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4},
		{0x82, 0xfe, 0xff, 0xff, 1, 2, 3, 4},
	} {
		f.Add(seed, uint16(3))
	}
	s := NewServer(Config{ReadLimit: 32 << 10, CloseTimeout: 40 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	f.Cleanup(func() { _ = s.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		r := newRecorder()
		c := accepted(t, s, r, func(peer net.Conn) {
			at := min(int(cut), len(stream))
			_, _ = peer.Write(stream[:at])
			_, _ = peer.Write(stream[at:])
			_ = peer.Close()
		})
		if e := r.end(t, c); e.err != nil && strings.Contains(e.err.Error(), ErrPanic.Error()) {
			t.Fatal(e.err)
		}
	})
}

// accepted connects over a pipe whose other end reads all and writes what peer writes.
func accepted(t testing.TB, s *Server, h Handler, peer func(net.Conn)) *Conn {
	t.Helper()
	here, there := net.Pipe()
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, there) }()
	c, err := s.Accept(pipeWriter{conn: here}, request, Accept{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	peer(there)
	return c
}
