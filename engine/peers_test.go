package engine_test

import (
	"sync"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// peers is a cluster at a test's word.
type peers struct {
	mu        sync.Mutex
	more      sync.Cond
	level     engine.Durability // answers every Await at once; "" keeps it waiting
	refusal   error             // of Accepting
	unready   bool
	expected  map[engine.Origin]bool
	published []*engine.Event
	waiting   []concern
	awaits    int
	seqs      []uint64 // of all Awaits
	said      []engine.Presence
	relayed   []any
	onPublish func()
	asked     chan engine.Origin // gets what Expects is asked; nil: nothing
}

// concern is one Await without an answer.
type concern struct {
	seq  uint64
	done func(engine.Durability, error)
}

func newPeers() *peers {
	p := &peers{level: engine.DurableOne, expected: map[engine.Origin]bool{}}
	p.more.L = &p.mu
	return p
}

// with makes the peers a node's.
func (p *peers) with(c *engine.Config) { c.Peers = p }

func (p *peers) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *peers) Published(events []*engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published = append(p.published, events...)
	if p.onPublish != nil {
		p.onPublish()
	}
}

func (p *peers) Await(seq uint64, done func(engine.Durability, error)) {
	p.mu.Lock()
	level := p.level
	p.awaits++
	p.seqs = append(p.seqs, seq)
	if level == "" {
		p.waiting = append(p.waiting, concern{seq, done})
	}
	p.more.Broadcast()
	p.mu.Unlock()
	if level != "" {
		done(level, nil)
	}
}

func (p *peers) Accepting() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusal
}

func (p *peers) Present(changes []engine.Presence) {
	p.set(func() { p.said = append(p.said, changes...) })
}

func (p *peers) Relay(notice any) { p.set(func() { p.relayed = append(p.relayed, notice) }) }

func (p *peers) Expects(o engine.Origin) bool {
	p.mu.Lock()
	expected, asked := p.expected[o], p.asked
	p.mu.Unlock()
	if asked != nil {
		asked <- o
	}
	return expected
}

func (p *peers) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.unready
}

// answer answers all that wait now, from this goroutine.
func (p *peers) answer(level engine.Durability, err error) {
	p.mu.Lock()
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, w := range waiting {
		w.done(level, err)
	}
}

// asking makes the next question about an origin tell that it has come.
func (p *peers) asking() chan engine.Origin {
	asked := make(chan engine.Origin, 100)
	p.set(func() { p.asked = asked })
	return asked
}

// soon takes from a channel what must come.
func soon[T any](t testing.TB, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// awaited returns when so many Awaits have come in all.
func (p *peers) awaited(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.awaits < n {
		p.more.Wait()
	}
}

func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.awaits
}

// held opens a node with a user in a room, whose writes wait from now on.
func held(t testing.TB, change ...func(*engine.Config)) (n *node, p *peers, ann *engine.Identity, room engine.ID) {
	p = newPeers()
	n = openNode(t, append(change, p.with)...)
	t.Cleanup(func() { p.answer("", engine.ErrUnavailable) })
	ann = n.user("ann")
	room = n.room("general", ann)
	p.set(func() { p.level = "" })
	return n, p, ann, room
}
