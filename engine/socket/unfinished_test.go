package socket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// part is a piece of a message, made by a client: not its last where more is true.
func part(opcode byte, text string, more bool) []byte {
	frame := masked(newFrame(opcode, []byte(text)))
	if more {
		frame[0] &^= final
	}
	return frame
}

// unfinished are all the ways to begin a message.
var unfinished = []struct {
	name string
	sent []byte
}{
	{"first byte", []byte{final | opText}},
	{"half a header", masked(BinaryFrame(make([]byte, 1000)))[:7]},
	{"header", masked(TextFrame([]byte("x")))[:6]},
	{"half a payload", masked(TextFrame([]byte("12345")))[:8]},
	{"half of a large one", masked(TextFrame(make([]byte, 40_000)))[:20_000]},
	{"half a ping", masked(newFrame(opPing, []byte("x")))[:6]},
	{"a message before", append(masked(TextFrame([]byte("whole"))), final|opText)},
	{"a fragment", part(opText, "to be continued", true)},
	{"fragments and a ping", bytes.Join([][]byte{
		part(opText, "to be", true), masked(newFrame(opPing, nil)), part(0, "continued", true)}, nil)},
}

// I6: a message that has begun and does not go on is cut off at its own
// deadline, whether the connection is parked between its fragments or waits.
func TestI6UnfinishedMessageIsCutOff(t *testing.T) {
	for _, test := range unfinished {
		t.Run(test.name, func(t *testing.T) {
			w, c, p, r := one(t, Config{FrameTimeout: 40 * time.Millisecond})
			p.write(test.sent)
			if e := r.end(t, c); e.code != CloseAbnormal || e.err != ErrFrameTimeout {
				t.Errorf("closed with %v", e)
			}
			if s := w.Stats(); s.EvictedUnfinished != 1 || s.EvictedSilent != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func TestI6UnfinishedMessageOverTLSIsCutOff(t *testing.T) {
	r := newRecorder()
	w := newWorld(t, Config{FrameTimeout: 40 * time.Millisecond}, func() Accept { return Accept{Handler: r} })
	web := httptest.NewTLSServer(w)
	defer web.Close()
	conn, err := tls.Dial("tcp", web.Listener.Addr().String(), web.Client().Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	p := handshakeOn(t, conn, "")
	p.send("whole")
	receive(t, r.arrived, "the whole message")
	p.write(masked(TextFrame([]byte("half")))[:8])
	if e := r.end(t, receive(t, w.accepted, "Accept")); e.err != ErrFrameTimeout {
		t.Errorf("closed with %v", e)
	}
}

// drip writes a client's bytes one by one and slowly, until it cannot.
func drip(p *client, stream []byte, pause time.Duration) (wait func()) {
	var dripping sync.WaitGroup
	dripping.Go(func() {
		for _, b := range stream {
			if _, err := p.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(pause)
		}
	})
	return dripping.Wait
}

// The deadline is the message's, not the byte's and not the frame's: neither
// drops nor complete fragments nor pings put it off.
func TestI6DrippingIsCutOffAtTheDeadline(t *testing.T) {
	fragments := [][]byte{part(opText, "x", true)}
	for range 1000 {
		fragments = append(fragments, part(0, "", true), masked(newFrame(opPing, nil)))
	}
	for name, stream := range map[string][]byte{
		"one frame": masked(TextFrame(make([]byte, 10_000))),
		"fragments": bytes.Join(fragments, nil),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder()
				_, c, p := bubble(t, Config{}, r)
				go io.Copy(io.Discard, p.r)
				start := time.Now()
				defer drip(p, stream, 300*time.Millisecond)()
				<-r.ended
				if d := time.Since(start); d < 20*time.Second || d > 22*time.Second {
					t.Errorf("ended after %v", d)
				}
				if e := r.end(t, c); e.err != ErrFrameTimeout {
					t.Errorf("closed with %v", e)
				}
			})
		})
	}
}

// Every message has the time to itself, also where the bytes that end one begin
// the next, and between messages there is no deadline.
func TestSlowMessagesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		_, c, p := bubble(t, Config{HeartbeatInterval: 24 * time.Hour}, r)
		message := masked(TextFrame([]byte("slow")))
		overlap := append(message[len(message)-1:len(message):len(message)], message[0])
		for i := range 10 {
			if i == 0 {
				p.write(message[:1])
			}
			time.Sleep(15 * time.Second)
			p.write(message[1 : len(message)-1])
			if i == 9 {
				p.write(overlap[:1])
			} else {
				p.write(overlap)
			}
			<-r.arrived
		}
		time.Sleep(time.Hour)
		p.send("after an hour")
		<-r.arrived
		if e := c.ending.Load(); e != nil {
			t.Errorf("closed with %v", e)
		}
	})
}

// Over TCP: a message in time leaves no deadline behind.
func TestNoDeadlineAfterASlowMessage(t *testing.T) {
	w, c, p, r := one(t, Config{})
	written := uint64(0)
	for _, sent := range [][]byte{masked(TextFrame([]byte("one frame"))), append(part(opText, "two ", true), part(0, "frames", false)...)} {
		for _, b := range sent {
			p.write([]byte{b})
			written++
			eventually(t, "the byte is read", func() bool { return w.Stats().BytesIn == written })
		}
		receive(t, r.arrived, "the message")
		if by := c.wholeBy.Load(); by != 0 {
			t.Errorf("still due by tick %d", by)
		}
	}
	p.write(masked(TextFrame([]byte("half")))[:3])
	eventually(t, "the reader waits for the rest", func() bool { return c.wholeBy.Load() != 0 })
	p.write(masked(TextFrame([]byte("half")))[3:])
	receive(t, r.arrived, "the message")
	if by := c.wholeBy.Load(); by != 0 {
		t.Errorf("still due by tick %d", by)
	}
}

// A deadline that passes while the connection closes changes nothing.
func TestUnfinishedWhileClosing(t *testing.T) {
	_, c, p, r := one(t, Config{FrameTimeout: 10 * time.Millisecond, CloseTimeout: 100 * time.Millisecond})
	c.Close(engine.CloseReplaced, "")
	p.write(masked(TextFrame([]byte("half")))[:8])
	p.expectClose(engine.CloseReplaced)
	if e := r.end(t, c); e.code != engine.CloseReplaced || errors.Is(e.err, ErrFrameTimeout) {
		t.Errorf("closed with %v", e)
	}
}
