package realtime

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// opening is what a connection has until its session is live.
type opening struct {
	offered string        // the token that the request brought
	reset   *engine.Reset // follows ready: the client asked for what cannot be; nil: nothing

	hello     *frame        // when it has come
	turn      socket.Turn   // at the handler's gate
	ready     chan struct{} // closes when ready is queued, or never will be
	readyOnce sync.Once
	done      chan struct{} // closes when the goroutine has ended

	mu     sync.Mutex
	begun  bool
	over   bool
	timer  *time.Timer
	cancel context.CancelFunc
}

func newOpening(offered string) *opening {
	return &opening{offered: offered, ready: make(chan struct{}), done: make(chan struct{})}
}

// expectHello gives the client its time.
func (c *webSocket) expectHello(conn *socket.Conn) {
	o := c.opening.Load()
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.begun && !o.over {
		o.timer = time.AfterFunc(c.handler.config.HandshakeTimeout, func() {
			conn.Close(engine.CloseTooSlow, "no hello has come")
		})
	}
}

// start ends the wait for hello: what the client waits for from now on is our doing.
func (o *opening) start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer != nil {
		o.timer.Stop()
	}
	o.begun = true
}

// context is what the goroutine works under: it ends with the connection.
func (o *opening) context(limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cancel = cancel
	if o.over {
		cancel()
	}
	return ctx
}

// abandon is called when the connection has ended, after its last Message. It
// waits for the goroutine, if there is one or will be.
func (o *opening) abandon(g *socket.Gate) {
	o.mu.Lock()
	o.over = true
	begun := o.begun
	if o.timer != nil {
		o.timer.Stop()
	}
	if o.cancel != nil {
		o.cancel()
	}
	o.mu.Unlock()
	if begun && g.Leave(&o.turn) {
		<-o.done
	}
}

// enter has the session opened when it is its turn.
func (c *connection) enter(hello *frame, sockets *socket.Server) {
	o := c.opening.Load()
	o.start()
	o.hello = hello
	c.handler.gate.Enter(&o.turn, func() { sockets.Do(c.open) })
}

// open makes the session.
func (c *connection) open() {
	begun := time.Now()
	o := c.opening.Load()
	f := o.hello
	defer close(o.done)
	defer c.handler.gate.Leave(&o.turn)
	ctx := o.context(c.handler.config.ResumeTimeout)
	defer o.cancel()
	defer c.opening.Store(nil)
	s, err := c.connect(ctx, o, f)
	if err != nil {
		o.readyOnce.Do(func() { c.who = nil; close(o.ready) })
		c.refuse(f.Ref, err)
		return
	}
	c.session.Store(s)
	c.handler.config.Logger.Debug("session opened", "session", c.name, "user", c.userText(), "took", time.Since(begun))
}

// connect proves the token before anything else (I9).
func (c *connection) connect(ctx context.Context, o *opening, f *frame) (s *engine.Session, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if c.who == nil {
		if err := c.prove(ctx, cmp.Or(f.Token, o.offered)); err != nil {
			return nil, err
		}
	}
	return c.handler.engine.Connect(ctx, c.who, c, c.wire, f.Cursor)
}

// prove finds out who the client is, and counts it.
func (c *connection) prove(ctx context.Context, token string) error {
	e := c.handler.engine
	if err := e.AdmitAddress(c.address); err != nil { // banned since it came
		return err
	}
	who, err := e.Authenticate(ctx, token)
	if err != nil {
		return err
	}
	if err := e.Allow(who.User); err != nil {
		return err
	}
	if err := c.handler.users.enter(who.User); err != nil {
		return err
	}
	c.who, c.entered = who, who.User
	return nil
}
