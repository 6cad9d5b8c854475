package socket

import (
	"bytes"
	"compress/flate" // not the one that made the frames
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// deflate compresses as a client would that keeps no window.
func deflate(t testing.TB, payload []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(payload)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), deflateTail)
}

func inflate(t testing.TB, payload []byte) []byte {
	t.Helper()
	all, err := io.ReadAll(flate.NewReader(io.MultiReader(
		bytes.NewReader(payload), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// opened takes a frame of ours apart.
func opened(t testing.TB, frame []byte) (first byte, payload []byte) {
	t.Helper()
	payload = frame[headerSize(0):]
	n := uint64(frame[1])
	switch n {
	case 126:
		n, payload = uint64(binary.BigEndian.Uint16(frame[2:])), frame[4:]
	case 127:
		n, payload = binary.BigEndian.Uint64(frame[2:]), frame[10:]
	}
	if n != uint64(len(payload)) {
		t.Fatalf("the header says %d bytes, %d follow", n, len(payload))
	}
	return frame[0], payload
}

// sameMessage checks a deflated frame against its plain one.
func sameMessage(t testing.TB, opcode byte, frame, message []byte) (isDeflated bool) {
	t.Helper()
	plain := newFrame(opcode, message)
	if len(frame) > len(plain) {
		t.Errorf("%d bytes, plain %d", len(frame), len(plain))
	}
	switch first, payload := opened(t, frame); first {
	case final | opcode:
		if !bytes.Equal(frame, plain) {
			t.Errorf("%d bytes: the plain frame is another", len(message))
		}
		return false
	case final | deflated | opcode:
		if got := inflate(t, payload); !bytes.Equal(got, message) {
			t.Errorf("%d bytes inflated to %d others", len(message), len(got))
		}
		return true
	default:
		t.Errorf("first byte %x", first)
		return false
	}
}

// talked makes text that compresses about as talk does.
func talked(n int, seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 0))
	words := strings.Fields("why does this fail on my machine and not on yours can you look at it before lunch ✓ 世界")
	var b []byte
	for len(b) < n {
		b = append(append(b, words[rnd.IntN(len(words))]...), ' ')
	}
	return bytes.ToValidUTF8(b[:n], nil)
}

func noise(n int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(n), 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestDeflatedFrames(t *testing.T) {
	for _, n := range []int{0, 1, deflateFrom - 1, deflateFrom, 1000, 8<<10 - 1, 1<<15 - 1, 1 << 15, 1 << 16, 300_000} {
		text := talked(n, 1)
		if got := sameMessage(t, opText, DeflatedTextFrame(text), text); got != (len(text) >= deflateFrom) {
			t.Errorf("%d bytes of talk: deflated is %v", n, got)
		}
		if got := sameMessage(t, opBinary, DeflatedBinaryFrame(noise(n)), noise(n)); got {
			t.Errorf("%d bytes of noise: deflated", n)
		}
	}
}

// Two times the same: what is shared has no history.
func TestDeflatedFramesHaveNoHistory(t *testing.T) {
	want := DeflatedTextFrame(talked(2000, 1))
	kept := slices.Clone(want)
	for i := range uint64(20) {
		_ = DeflatedTextFrame(talked(int(i)*1000, i))
		if !bytes.Equal(DeflatedTextFrame(talked(2000, 1)), want) {
			t.Fatal("another frame for the same message")
		}
	}
	if !bytes.Equal(want, kept) {
		t.Error("a frame changed after it was made")
	}
}

func FuzzDeflatedFrame(f *testing.F) {
	f.Add(talked(1000, 1))
	f.Add(noise(1000))
	f.Add(bytes.Repeat([]byte{0}, 100_000))
	f.Add(append(noise(40_000), talked(40_000, 2)...))
	f.Fuzz(func(t *testing.T, message []byte) {
		sameMessage(t, opBinary, DeflatedBinaryFrame(message), message)
	})
}

// One frame is made, and all who negotiated it are sent the same bytes.
func TestDeflatedFrameIsShared(t *testing.T) {
	w := newWorld(t, Config{Compression: true}, func() Accept { return Accept{Handler: newQuiet()} })
	frame := DeflatedTextFrame(talked(5000, 1))
	want := slices.Clone(frame)
	for range 3 {
		c, p, _ := w.offering(t, deflateExtension)
		if !c.Compressed() {
			t.Fatal("not negotiated")
		}
		c.Send(frame)
		got := make([]byte, len(frame))
		if _, err := io.ReadFull(p.r, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got other bytes, %v", err)
		}
	}
	if !bytes.Equal(frame, want) {
		t.Error("the frame was changed")
	}
}

// The client library that the rest of klatch uses reads and writes it, also
// when the connection is parked in between.
func TestGWSClientDeflates(t *testing.T) {
	r := newRecorder()
	w := newWorld(t, Config{Compression: true}, func() Accept { return Accept{Handler: r} })
	r.on(func(c *Conn, binary bool, data []byte) {
		if !c.Compressed() {
			t.Error("not negotiated")
		}
		c.Send(DeflatedTextFrame(data))
	})
	got := make(chan string, 1)
	conn, _, err := gws.NewClient(echoed{got: got}, &gws.ClientOption{
		Addr: "ws://" + w.addr, CheckUtf8Enabled: true,
		PermessageDeflate: gws.PermessageDeflate{Enabled: true, Threshold: 1, ServerContextTakeover: true, ClientContextTakeover: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { conn.ReadLoop(); close(done) }()
	c := receive(t, w.accepted, "Accept")
	plain := 0
	for i := range uint64(50) {
		text := string(talked(int(i*i)*20, i))
		if err := conn.WriteString(text); err != nil {
			t.Fatal(err)
		}
		plain += len(text)
		if s := receive(t, got, "the echo"); s != text {
			t.Fatalf("%d bytes came back as %d others", len(text), len(s))
		}
		if i%10 == 0 && !*unparked && runtime.GOOS == "linux" {
			eventually(t, "the connection is parked", c.parked.Load)
		}
	}
	if s := w.Stats(); s.BytesIn > uint64(plain)*2/3 || s.BytesOut > uint64(plain)*2/3 {
		t.Errorf("%d bytes took %d in and %d out", plain, s.BytesIn, s.BytesOut)
	}
	c.Close(1000, "")
	receive(t, done, "the client's end")
}

// deflatedPart is a piece of a compressed message, made by a client.
func deflatedPart(first byte, payload []byte) []byte {
	return withFirst(first, masked(newFrame(opText, payload)))
}

func TestCompressedMessagesAreRead(t *testing.T) {
	const limit = 10_000
	r := newRecorder()
	w := newWorld(t, Config{Compression: true, ReadLimit: limit}, func() Accept { return Accept{Handler: r} })
	_, p, _ := w.offering(t, deflateExtension)
	text := talked(limit, 1)
	small := deflate(t, text)
	stored := []byte("\x00\x03\x00\xfc\xffraw\x00") // RFC 7692, section 7.2.3.3
	ended := withFinalBlock(t, text)
	for _, test := range []struct {
		sent []byte
		want []byte
	}{
		{deflatedPart(final|deflated|opText, small), text},
		{slices.Concat(deflatedPart(deflated|opText, small[:7]), masked(newFrame(opPing, nil)),
			deflatedPart(0, nil), deflatedPart(final, small[7:])), text},
		{deflatedPart(final|opText, []byte("plain")), []byte("plain")},
		{deflatedPart(final|deflated|opText, []byte{0}), nil}, // RFC 7692, section 7.2.3.6
		{deflatedPart(final|deflated|opText, stored), []byte("raw")},
		{deflatedPart(final|deflated|opText, ended), text},
	} {
		p.write(test.sent)
		receive(t, r.arrived, "the message")
		if got := r.got(); got[len(got)-1] != string(test.want) {
			t.Errorf("got %.60q, want %.60q", got[len(got)-1], test.want)
		}
	}
}

// withFinalBlock compresses with a last block that says so: RFC 7692, section 7.2.3.4.
func withFinalBlock(t *testing.T, text []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(text)
	_ = w.Close()
	return append(b.Bytes(), 0)
}

func TestCompressedViolations(t *testing.T) {
	const limit = 10_000
	text := talked(1000, 1)
	small := deflate(t, text)
	long := deflate(t, talked(limit+1, 1))
	bomb := deflate(t, make([]byte, 5_000_000))
	for _, test := range []struct {
		name string
		sent []byte
		code engine.CloseCode
	}{
		{"past the limit", deflatedPart(final|deflated|opText, long), closeTooLarge},
		{"a bomb", deflatedPart(final|deflated|opBinary, bomb), closeTooLarge},
		{"a bomb in pieces", slices.Concat(deflatedPart(deflated|opBinary, bomb[:100]), deflatedPart(final, bomb[100:])), closeTooLarge},
		{"past the limit as it is", deflatedPart(final|deflated|opText, make([]byte, limit+1)), closeTooLarge},
		{"garbage", deflatedPart(final|deflated|opText, []byte{0xff, 0xff, 0xff}), closeInvalidPayload},
		{"nothing", deflatedPart(final|deflated|opText, nil), closeInvalidPayload},
		{"cut short", deflatedPart(final|deflated|opText, small[:len(small)/2]), closeInvalidPayload},
		{"not UTF-8", deflatedPart(final|deflated|opText, deflate(t, bytes.Repeat([]byte{'x', 0xff}, 100))), closeInvalidPayload},
		{"a window kept", windowKept(t, text), closeInvalidPayload},
		{"RSV1 on a continuation", slices.Concat(deflatedPart(deflated|opText, small[:7]), deflatedPart(final|deflated, small[7:])), closeProtocolError},
		{"RSV1 on a continuation of a plain one", slices.Concat(deflatedPart(opText, small[:7]), deflatedPart(final|deflated, small[7:])), closeProtocolError},
		{"RSV1 on a ping", withFirst(final|deflated|opPing, masked(newFrame(opPing, nil))), closeProtocolError},
		{"RSV1 on a close frame", withFirst(final|deflated|opClose, masked(closeFrame(1000, ""))), closeProtocolError},
		{"RSV2", deflatedPart(final|0x20|opText, []byte("x")), closeProtocolError},
		{"RSV1 and RSV3", deflatedPart(final|deflated|0x10|opText, small), closeProtocolError},
		{"reserved data opcode", withFirst(final|deflated|3, masked(newFrame(3, small))), closeProtocolError},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRecorder()
			w := newWorld(t, Config{Compression: true, ReadLimit: limit}, func() Accept { return Accept{Handler: r} })
			c, p, _ := w.offering(t, deflateExtension)
			p.write(test.sent)
			p.expectClose(test.code)
			_ = p.Close()
			if e := r.end(t, c); e.code != test.code || e.err == nil {
				t.Errorf("closed with %v", e)
			}
			if got := r.got(); slices.ContainsFunc(got, func(s string) bool { return s != string(text) }) {
				t.Errorf("got %.60q", got)
			}
		})
	}
}

// windowKept is one message, and another that refers back to it.
func windowKept(t *testing.T, text []byte) (sent []byte) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b.Reset()
		_, _ = w.Write(text)
		_ = w.Flush()
		sent = append(sent, deflatedPart(final|deflated|opText, bytes.TrimSuffix(b.Bytes(), deflateTail))...)
	}
	return sent
}

// Without negotiation RSV1 is what RFC 6455 says: a fault. So it is for a
// client that made no offer to a server that would have taken one.
func TestRSV1WithoutNegotiation(t *testing.T) {
	for _, config := range []Config{{}, {Compression: true}} {
		for _, offers := range [][]string{nil, {"permessage-deflate; server_max_window_bits=10"}} {
			t.Run(fmt.Sprint(config.Compression, offers), func(t *testing.T) {
				r := newRecorder()
				w := newWorld(t, config, func() Accept { return Accept{Handler: r} })
				c, p, _ := w.offering(t, offers...)
				p.write(deflatedPart(final|deflated|opText, deflate(t, talked(1000, 1))))
				p.expectClose(closeProtocolError)
				_ = p.Close()
				if e := r.end(t, c); e.code != closeProtocolError || len(r.got()) > 0 {
					t.Errorf("closed with %v, got %q", e, r.got())
				}
			})
		}
	}
}

// A bomb costs little more than the limit, however far it would go.
func TestBombIsNotInflated(t *testing.T) {
	const limit, size = 64 << 10, 16 << 20
	bomb := deflatedPart(final|deflated|opBinary, deflate(t, make([]byte, size)))
	r := newRecorder()
	w := newWorld(t, Config{Compression: true, ReadLimit: limit}, func() Accept { return Accept{Handler: r} })
	c, p, _ := w.offering(t, deflateExtension)
	if len(bomb) > limit {
		t.Fatalf("%d bytes are too large as they are", len(bomb))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p.write(bomb)
	p.expectClose(closeTooLarge)
	runtime.ReadMemStats(&after)
	_ = p.Close()
	r.end(t, c)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16*limit {
		t.Errorf("allocated %d bytes", n)
	}
}
