package cli

import (
	"fmt"
	"io"
	"time"
)

// transfer tells how far work on bytes has come: on a terminal in a line that
// rewrites itself, else in a line now and then.
type transfer struct {
	w        io.Writer
	what     string
	total    int64 // 0: unknown
	terminal bool
	last     time.Time
}

const (
	transferLine = 5 * time.Second        // between lines
	transferDraw = 200 * time.Millisecond // between two states of one line
)

func newTransfer(w io.Writer, what string) *transfer {
	return &transfer{w: w, what: what, terminal: terminalOf(w) != nil, last: Clock()}
}

func (t *transfer) show(bytes int64) {
	every := transferLine
	if t.terminal {
		every = transferDraw
	}
	now := Clock()
	if now.Sub(t.last) < every {
		return
	}
	t.last = now
	line := fmt.Sprintf("%s: %d MiB", t.what, bytes>>20)
	if t.total > 0 {
		line += fmt.Sprintf(" of %d", t.total>>20)
	}
	if t.terminal {
		fmt.Fprintf(t.w, "\r%-60s", line)
		return
	}
	fmt.Fprintln(t.w, line)
}

// end takes the line away.
func (t *transfer) end() {
	if t.terminal {
		fmt.Fprintf(t.w, "\r%60s\r", "")
	}
}
