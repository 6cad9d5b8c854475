package cli

import (
	"bytes"
	"io"
	"sync"
)

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// tailBytes are about fifty lines of a log.
const tailBytes = 8 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p[max(0, len(p)-tailBytes):]...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// print writes the last whole lines.
func (t *tail) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.kept
	if len(p) == tailBytes {
		_, p, _ = bytes.Cut(p, []byte("\n"))
	}
	_, _ = w.Write(p)
}
