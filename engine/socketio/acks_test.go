package socketio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func TestEmitWithAck(t *testing.T) {
	h := open(t, Config{})
	c := gather(h, h.Namespace, 1)
	s, p := c.sockets[0], c.peers[0]
	type answer struct {
		args *Args
		err  error
	}
	answers := make(chan answer, 1)
	ask := func(ctx context.Context, args ...any) {
		go func() {
			a, err := s.EmitWithAck(ctx, "ask", args...)
			answers <- answer{a, err}
		}()
	}

	ask(t.Context(), 1)
	p.is(`420["ask",1]`)
	p.send(`43999[]`, `430["yes",{"n":2}]`, `430["again"]`)
	var yes string
	var n struct{ N int }
	a := await(t, answers)
	if a.err != nil || a.args.Bind(&yes, &n) != nil || yes != "yes" || n.N != 2 {
		t.Fatalf("answered %v", a)
	}

	ask(t.Context(), []byte("to"))
	p.is(`451-1["ask",{"_placeholder":true,"num":0}]`, "binary:to")
	p.send(`461-1[{"_placeholder":true,"num":0}]`)
	p.sendBinary("fro")
	var blob []byte
	if a = await(t, answers); a.err != nil || a.args.Bind(&blob) != nil || string(blob) != "fro" {
		t.Fatalf("answered %v, %q", a, blob)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	ask(ctx)
	p.is(`422["ask"]`)
	cancel(errors.New("not now"))
	if a = await(t, answers); a.err == nil || a.err.Error() != "not now" {
		t.Fatalf("answered %v", a)
	}
	p.send(`432["late"]`) // ignored

	ask(t.Context())
	p.is(`423["ask"]`)
	p.send("1")
	if a = await(t, answers); !errors.Is(a.err, ErrNotConnected) {
		t.Fatalf("answered %v", a)
	}
	if _, err := s.EmitWithAck(t.Context(), "ask"); !errors.Is(err, ErrNotConnected) {
		t.Fatalf("asked after the end: %v", err)
	}
}

// A listener may wait for an answer of the client whose event it serves, also
// while more events come.
func TestListenerWaitsForAnAck(t *testing.T) {
	h := open(t, Config{})
	h.OnConnection(func(s *Socket) {
		s.On("start", func(e *Event) {
			a, err := s.EmitWithAck(t.Context(), "ask")
			if err != nil {
				t.Error(err)
				return
			}
			_ = e.Ack(mustValues(&Event{Args: *a})...)
		})
	})
	p := h.dial()
	p.join("/")
	p.send(`427["start"]`)
	p.is(`420["ask"]`)
	for range 200 {
		p.send(`42["noise"]`)
	}
	p.send(`430["done"]`)
	p.is(`437["done"]`)
}

func TestAckLimits(t *testing.T) {
	h := open(t, Config{MaxAcks: 2})
	c := gather(h, h.Namespace, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var asked sync.WaitGroup
	for i := range 2 {
		asked.Go(func() { _, _ = c.sockets[0].EmitWithAck(ctx, "ask") })
		c.peers[0].is(fmt.Sprintf(`42%d["ask"]`, i))
	}
	if _, err := c.sockets[0].EmitWithAck(ctx, "ask"); !errors.Is(err, ErrTooManyAcks) {
		t.Fatalf("a third question: %v", err)
	}
	cancel()
	asked.Wait()
	a := &c.sockets[0].acks
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.waiting); n != 0 {
		t.Fatalf("%d questions are kept", n)
	}
}

func TestEventAcksOnce(t *testing.T) {
	h := open(t, Config{})
	errs := make(chan error, 4)
	h.OnConnection(func(s *Socket) {
		s.On("a", func(e *Event) {
			if e.WantsAck() {
				errs <- e.Ack(func() {}) // cannot be encoded: may be tried again
				errs <- e.Ack(1)
			}
			errs <- e.Ack(2)
		})
	})
	p := h.dial()
	p.join("/")
	p.send(`425["a"]`)
	p.is(`435[1]`)
	if err := await(t, errs); err == nil {
		t.Error("a function was encoded")
	}
	if err := await(t, errs); err != nil {
		t.Error(err)
	}
	if err := await(t, errs); !errors.Is(err, ErrUnanswered) {
		t.Errorf("a second ack: %v", err)
	}
	p.send(`42["a"]`)
	if err := await(t, errs); !errors.Is(err, ErrUnanswered) {
		t.Errorf("an ack that nobody wants: %v", err)
	}
}
