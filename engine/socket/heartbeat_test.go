package socket

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// bubble connects a client over a pipe, where time is synctest's.
func bubble(t *testing.T, config Config, h Handler) (*Server, *Conn, *client) {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	s := NewServer(config)
	c, p := pipe(t, s, h)
	t.Cleanup(func() {
		_ = p.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, c, p
}

func pipe(t testing.TB, s *Server, h Handler) (*Conn, *client) {
	t.Helper()
	here, there := net.Pipe()
	p := &client{t: t, Conn: there, r: bufio.NewReader(there)}
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := http.ReadResponse(p.r, nil)
		answered <- err
	}()
	c, err := s.Accept(pipeWriter{conn: here}, request, Accept{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	return c, p
}

func TestSilentConnectionBeatsAndLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		beats := make(chan time.Time, 100)
		r.onBeat = func(c *Conn) {
			beats <- time.Now()
			c.Send(TextFrame([]byte("checkpoint")))
		}
		_, _, p := bubble(t, Config{}, r)
		last := time.Now()
		for range 5 {
			p.expect(opText, "checkpoint")
			p.expect(opPing, "")
			at := <-beats
			if silence := at.Sub(last); silence < 20*time.Second || silence > 26*time.Second {
				t.Errorf("beat after %v", silence)
			}
			time.Sleep(15 * time.Second) // an answer just in time
			p.write(masked(newFrame(opPong, nil)))
			last = time.Now()
		}
	})
}

func TestBusyConnectionDoesNotBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		r.onBeat = func(*Conn) { t.Error("beat") }
		_, _, p := bubble(t, Config{}, r)
		for range 30 {
			time.Sleep(20 * time.Second)
			p.send("still here")
			<-r.arrived
		}
	})
}

func TestNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s, c, p := bubble(t, Config{}, r)
		start := time.Now()
		go io.Copy(io.Discard, p.r)
		<-r.ended
		if d := time.Since(start); d < 40*time.Second || d > 48*time.Second {
			t.Errorf("ended after %v", d)
		}
		if e := r.end(t, c); e.code != CloseAbnormal || !errors.Is(e.err, ErrHeartbeat) {
			t.Errorf("closed with %v", e)
		}
		if s.Stats().EvictedSilent != 1 {
			t.Errorf("stats: %+v", s.Stats())
		}
	})
}

// I6: half a frame is no sign of life, however slowly its bytes come.
func TestI6HalfAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		_, c, p := bubble(t, Config{FrameTimeout: time.Hour}, r)
		go io.Copy(io.Discard, p.r)
		var dripping sync.WaitGroup
		defer dripping.Wait()
		dripping.Go(func() {
			for _, b := range masked(TextFrame(make([]byte, 10_000))) {
				if _, err := p.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		<-r.ended
		if e := r.end(t, c); !errors.Is(e.err, ErrHeartbeat) {
			t.Errorf("closed with %v", e)
		}
	})
}

// A heartbeat that the peer does not take does not hold up the wheel.
func TestPeerTakesNoPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, live := newRecorder(), newRecorder()
		s, c, _ := bubble(t, Config{}, stuck)
		other, p := pipe(t, s, live)
		defer p.Close()
		go func() {
			for {
				if _, _, err := p.next(); err != nil {
					return
				}
				if _, err := p.Write(masked(newFrame(opPong, nil))); err != nil {
					return
				}
			}
		}()
		<-stuck.ended
		if e := stuck.end(t, c); !errors.Is(e.err, ErrTooSlow) {
			t.Errorf("closed with %v", e)
		}
		time.Sleep(time.Hour)
		if e := other.ending.Load(); e != nil {
			t.Errorf("the other is closed with %v", e)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		_, c, _ := bubble(t, Config{}, r)
		start := time.Now()
		c.Send(TextFrame([]byte("not taken")))
		c.Close(engine.CloseReplaced, "")
		<-r.ended
		if d := time.Since(start); d < 2*time.Second || d > 4*time.Second {
			t.Errorf("ended after %v", d)
		}
		if e := r.end(t, c); e.code != engine.CloseReplaced {
			t.Errorf("closed with %v", e)
		}
	})
}

// Connections that came together do not beat together.
func TestBeatsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		at := map[time.Time]int{}
		done := make(chan struct{})
		const conns = 500
		beats := 0
		r.onBeat = func(*Conn) { // called by the wheel alone
			at[time.Now()]++
			if beats++; beats == conns {
				close(done)
			}
		}
		s, _, p := bubble(t, Config{HeartbeatInterval: 80 * time.Second}, r)
		go io.Copy(io.Discard, p.r)
		for range conns - 1 {
			_, p := pipe(t, s, r2(r))
			defer p.Close()
			go io.Copy(io.Discard, p.r)
		}
		<-done
		for when, n := range at {
			if n > conns/4 {
				t.Errorf("%d of %d beat at %v", n, conns, when)
			}
		}
	})
}

// r2 shares a recorder's beats and nothing else.
func r2(r *recorder) *recorder {
	own := newRecorder()
	own.onBeat = r.onBeat
	return own
}

// A clock that jumps, as a suspended machine's, asks before it cuts off.
func TestClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		now := make(chan time.Duration, 1)
		start := time.Now()
		var ahead time.Duration
		clock := func() time.Time {
			select {
			case ahead = <-now:
			default:
			}
			return start.Add(time.Since(start) + ahead)
		}
		_, _, p := bubble(t, Config{Now: clock}, r)
		now <- 24 * time.Hour
		p.expect(opPing, "")
		p.write(masked(newFrame(opPong, nil)))
		p.expect(opPing, "")
	})
}
