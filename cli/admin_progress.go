package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/klatch-chat/klatch/bench"
	"github.com/klatch-chat/klatch/storage/portable"
)

// adminProgress tells on standard error how far long work has come: by a bar
// where that is a terminal, else by a line now and then.
type adminProgress struct {
	w    io.Writer
	bar  *progressBar
	verb string // of the work
	noun string // of what it goes through
	last time.Time
}

const (
	progressLine = 5 * time.Second
	progressDraw = 100 * time.Millisecond
)

func newAdminProgress(w io.Writer, verb, noun string) *adminProgress {
	return &adminProgress{w: w, bar: newProgressBar(w), verb: verb, noun: noun, last: Clock()}
}

// show tells how many of how many are done, if it is time to; total may be unknown: 0.
func (p *adminProgress) show(done, total uint64) {
	every := progressLine
	if p.bar.w != nil {
		every = progressDraw
	}
	now := Clock()
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	switch {
	case p.bar.w != nil && total > 0:
		p.bar.draw(bench.Progress{Phase: fmt.Sprintf("%s %d %s", p.verb, done, p.noun), Done: float64(done) / float64(total)})
	case p.bar.w != nil:
		fmt.Fprintf(p.bar.w, "\r%s %d %s", p.verb, done, p.noun)
	case total > 0:
		fmt.Fprintf(p.w, "%s %d of %d %s\n", p.verb, done, total, p.noun)
	default:
		fmt.Fprintf(p.w, "%s %d %s\n", p.verb, done, p.noun)
	}
}

// end takes the bar away.
func (p *adminProgress) end() { p.bar.clear() }

// of is a writer that comes after a relay, and shows how much has come through that.
func (p *adminProgress) of(relay *portable.Relay) io.Writer { return &relayProgress{p, relay} }

type relayProgress struct {
	*adminProgress
	relay *portable.Relay
}

func (p *relayProgress) Write(b []byte) (int, error) {
	p.show(p.relay.Events(), eventsOf(p.relay.Header()))
	return len(b), nil
}
