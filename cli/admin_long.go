package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/bench"
	"github.com/klatch-chat/klatch/storage"
)

// longWork tells how far work has come: a bar where somebody looks, else a line now and then.
type longWork struct {
	w   io.Writer
	bar *progressBar

	mu   sync.Mutex
	told time.Time
}

const (
	barInterval  = 100 * time.Millisecond
	lineInterval = 5 * time.Second
)

func newLongWork(w io.Writer) *longWork {
	return &longWork{w: w, bar: newProgressBar(w), told: time.Now()}
}

// tell may be called often: most of what it hears it does not pass on.
func (l *longWork) tell(p storage.CheckProgress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	interval := lineInterval
	if l.bar.w != nil {
		interval = barInterval
	}
	if time.Since(l.told) < interval {
		return
	}
	l.told = time.Now()
	done := float64(p.Done) / float64(max(p.Total, 1))
	if l.bar.w != nil {
		l.bar.draw(bench.Progress{Phase: p.Phase, Done: done})
		return
	}
	fmt.Fprintf(l.w, "%s: %d of about %d, %.0f %%\n", p.Phase, p.Done, p.Total, 100*min(done, 1))
}

func (l *longWork) end() { l.bar.clear() }

// interruptible is a context that ends when somebody wants the command to.
func interruptible(c *cli.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
}
