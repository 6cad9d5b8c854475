package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/bench"
	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/portable"
)

// progress tells on standard error how far long work has come: in a line that
// rewrites itself where that is a terminal, with a bar if the end is known, else
// by a line now and then. Work that is soon done says nothing.
type progress struct {
	w   io.Writer
	bar *progressBar

	mu   sync.Mutex
	told time.Time
}

const (
	tellEvery = 5 * time.Second
	drawEvery = 100 * time.Millisecond
)

// reached is how far work has come.
type reached struct {
	what        string // is being done
	done, total uint64 // a total of 0 is not known
	unit        string
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, bar: newProgressBar(w), told: Clock()}
}

// show may be called often, and by anybody: most of what it hears it does not pass on.
func (p *progress) show(r reached) {
	p.mu.Lock()
	defer p.mu.Unlock()
	every := tellEvery
	if p.bar.w != nil {
		every = drawEvery
	}
	now := Clock()
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	switch {
	case p.bar.w == nil:
		fmt.Fprintln(p.w, r)
	case r.total > 0:
		p.bar.draw(bench.Progress{Phase: r.count(), Done: r.share()})
	default:
		p.bar.say(r.count())
	}
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.clear()
}

func (r reached) count() string { return fmt.Sprintf("%s: %d %s", r.what, r.done, r.unit) }

func (r reached) share() float64 { return min(float64(r.done)/float64(r.total), 1) }

func (r reached) String() string {
	if r.total == 0 {
		return r.count()
	}
	return fmt.Sprintf("%s: %d of %d %s, %.0f %%", r.what, r.done, r.total, r.unit, 100*r.share())
}

// events is for work on a log.
func (p *progress) events(what string, done, total uint64) {
	p.show(reached{what, done, total, "events"})
}

// bytes is for what hands bytes on.
func (p *progress) bytes(what string) func(int64) {
	return func(n int64) { p.show(reached{what: what, done: uint64(n) >> 20, unit: "MiB"}) }
}

// tables is for Pebble at work on those of a store.
func (p *progress) tables(what string) func(storage.CheckProgress) {
	return func(at storage.CheckProgress) { p.show(reached{what, at.Done >> 20, at.Total >> 20, "MiB"}) }
}

// phases is for work on the keys of a store, which has several.
func (p *progress) phases(what string) func(storage.CheckProgress) {
	return func(at storage.CheckProgress) { p.show(reached{what + ", " + at.Phase, at.Done, at.Total, "keys"}) }
}

// of is a writer that comes after a relay, and shows how much has come through that.
func (p *progress) of(what string, relay *portable.Relay) io.Writer {
	return &relayProgress{p, what, relay}
}

type relayProgress struct {
	*progress
	what  string
	relay *portable.Relay
}

func (p *relayProgress) Write(b []byte) (int, error) {
	p.events(p.what, p.relay.Events(), eventsOf(p.relay.Header()))
	return len(b), nil
}
