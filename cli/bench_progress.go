package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/klatch-chat/klatch/bench"
)

// progressBar is one line that rewrites itself: phase, bar and percent, in
// under 80 columns.
type progressBar struct {
	w io.Writer // nil: nobody looks
}

const (
	phaseColumns = 32
	barColumns   = 32
	lineColumns  = phaseColumns + barColumns + 8
)

// newProgressBar shows nothing unless w is a terminal.
func newProgressBar(w io.Writer) *progressBar {
	if f := terminalOf(w); f != nil {
		return &progressBar{f}
	}
	return &progressBar{}
}

// show is for bench.Config.Progress.
func (b *progressBar) show() func(bench.Progress) {
	if b.w == nil {
		return nil
	}
	return b.draw
}

func (b *progressBar) draw(p bench.Progress) {
	done := min(max(p.Done, 0), 1)
	full := int(done * barColumns)
	phase := p.Phase[:min(len(p.Phase), phaseColumns)]
	fmt.Fprintf(b.w, "\r%-*s %s%s %3.0f %%", phaseColumns, phase,
		strings.Repeat("█", full), strings.Repeat("░", barColumns-full), 100*done)
}

// say is draw where nobody knows how much is left.
func (b *progressBar) say(text string) {
	fmt.Fprintf(b.w, "\r%-*s", lineColumns, text[:min(len(text), lineColumns)])
}

// clear takes the line away.
func (b *progressBar) clear() {
	if b.w != nil {
		fmt.Fprintf(b.w, "\r%*s\r", lineColumns, "")
	}
}
