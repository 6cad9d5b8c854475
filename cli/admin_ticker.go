package cli

import (
	"fmt"
	"io"
	"time"
)

// ticker tells how far long work is whose end nobody knows: in a line that
// rewrites itself on a terminal, else in a line now and then.
type ticker struct {
	w        io.Writer
	rewrites bool
	last     time.Time
	shown    bool
}

const (
	linesEvery    = 5 * time.Second
	rewritesEvery = 100 * time.Millisecond
)

func newTicker(w io.Writer) *ticker {
	return &ticker{w: w, rewrites: terminalOf(w) != nil, last: time.Now()}
}

func (t *ticker) show(text string) {
	every := linesEvery
	if t.rewrites {
		every = rewritesEvery
	}
	if time.Since(t.last) < every {
		return
	}
	t.last, t.shown = time.Now(), true
	if t.rewrites {
		fmt.Fprintf(t.w, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintln(t.w, text)
}

// end takes the line away that rewrites itself.
func (t *ticker) end() {
	if t.rewrites && t.shown {
		fmt.Fprint(t.w, "\r\x1b[K")
	}
}
