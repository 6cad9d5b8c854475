package socket

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A steady ping comes once an interval, whatever comes from the peer.
func TestSteadyPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		beats := 0
		r.onBeat = func(*Conn) { beats++ }
		_, c, p := bubble(t, Config{}, r)
		c.PingWith(TextFrame([]byte("2")))
		last := time.Now()
		for i := range 10 {
			p.expect(opText, "2")
			if d := time.Since(last); d < 20*time.Second || d > 27*time.Second {
				t.Errorf("ping %d after %v", i, d)
			}
			last = time.Now()
			time.Sleep(time.Duration(i) * 2 * time.Second) // the answer, up to 18 s late
			p.send("3")
			<-r.arrived
		}
		if beats != 10 {
			t.Errorf("%d beats", beats)
		}
	})
}

func TestBusyConnectionIsPingedSteadily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		_, c, p := bubble(t, Config{}, r)
		c.PingWith(TextFrame([]byte("2")))
		pings := make(chan time.Time, 100)
		go func() {
			for {
				if _, _, err := p.next(); err != nil {
					return
				}
				pings <- time.Now()
			}
		}()
		for range 300 {
			time.Sleep(time.Second)
			p.send("busy")
			<-r.arrived
		}
		if n := len(pings); n < 11 || n > 13 {
			t.Errorf("%d pings in 300 s", n)
		}
	})
}

// I6: who answers no steady ping is cut off, however often anything came before it.
func TestI6SteadyPingUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		s, c, p := bubble(t, Config{}, r)
		c.PingWith(TextFrame([]byte("2")))
		p.expect(opText, "2")
		p.send("3")
		p.expect(opText, "2")
		pinged := time.Now()
		go io.Copy(io.Discard, p.r)
		<-r.ended
		if d := time.Since(pinged); d < 19*time.Second || d > 22*time.Second {
			t.Errorf("ended %v after the ping", d)
		}
		if e := r.end(t, c); !errors.Is(e.err, ErrHeartbeat) || s.Stats().EvictedSilent != 1 {
			t.Errorf("closed with %v, stats %+v", e, s.Stats())
		}
	})
}

// A timeout longer than the interval: a ping waits for the answer to the one before it.
func TestSteadyPingIsAnsweredLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		_, c, p := bubble(t, Config{HeartbeatInterval: 10 * time.Second, HeartbeatTimeout: time.Minute}, r)
		c.PingWith(TextFrame([]byte("2")))
		for range 5 {
			p.expect(opText, "2")
			time.Sleep(50 * time.Second)
			p.send("3")
			<-r.arrived
		}
	})
}

// With an empty ping nothing is sent, and the peer has interval and timeout.
func TestPeerThatPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		beats := 0
		r.onBeat = func(*Conn) { beats++ }
		_, c, p := bubble(t, Config{}, r)
		c.PingWith(nil)
		for range 4 {
			time.Sleep(40 * time.Second)
			p.send("2")
			<-r.arrived
		}
		last := time.Now()
		if _, _, err := p.next(); err == nil {
			t.Error("something was sent")
		}
		<-r.ended
		if d := time.Since(last); d < 44*time.Second || d > 47*time.Second {
			t.Errorf("ended after %v", d)
		}
		if e := r.end(t, c); !errors.Is(e.err, ErrHeartbeat) {
			t.Errorf("closed with %v", e)
		}
		if beats < 6 || beats > 9 {
			t.Errorf("%d beats", beats)
		}
	})
}

// The steady ping begins while a WebSocket ping is unanswered.
func TestPingWithLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		_, c, p := bubble(t, Config{}, r)
		p.expect(opPing, "")
		time.Sleep(19 * time.Second)
		c.PingWith(TextFrame([]byte("2")))
		for range 3 {
			p.expect(opText, "2")
			p.send("3")
			<-r.arrived
		}
	})
}
