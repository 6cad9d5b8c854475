package client

import (
	"sync"
	"sync/atomic"
	"time"
)

// watch finds out a server that has died without a word. It is a timer, not a
// goroutine.
type watch struct {
	dead atomic.Bool // it has cut the link

	mu     sync.Mutex
	timer  *time.Timer // nil when stopped
	limits watchLimits
}

// watchLimits are silences: after which to ask for a sign of life, and after
// which to give up. A server pings when the client is silent; the client has to
// ask only where it sends and hears nothing.
type watchLimits struct{ ping, dead time.Duration }

const never = 1<<63 - 1

func (w *watch) start(l *link, limits watchLimits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limits = limits
	w.timer = time.AfterFunc(limits.next(0), func() { w.look(l) })
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.timer = nil
}

// relax sets the limits of a session that is ready.
func (w *watch) relax(limits watchLimits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limits = limits
	if w.timer != nil {
		w.timer.Reset(limits.next(0))
	}
}

// look must not wait: a write that hangs is what it is there to end.
func (w *watch) look(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	silence := l.silence()
	switch {
	case silence >= w.limits.dead:
		w.dead.Store(true)
		l.cut()
		return
	case silence >= w.limits.ping:
		go l.ping()
	}
	w.timer.Reset(w.limits.next(silence))
}

// next is how long to wait after a silence before looking again.
func (w watchLimits) next(silence time.Duration) time.Duration {
	if silence < w.ping {
		return min(w.ping, w.dead) - silence
	}
	return w.dead - silence
}

// ping asks for a sign of life. It is a frame of the protocol and not of
// WebSocket, because only those bring checkpoints.
func (l *link) ping() {
	if payload, err := l.client.codec.marshal(&request{Type: "ping"}); err == nil {
		l.write(payload)
	}
}
