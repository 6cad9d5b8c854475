package portable

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/klatch-chat/klatch/engine"
)

// writeSize is how much a Writer gathers before it writes.
const writeSize = 256 << 10

// Writer writes a file: a header, events in order of id, a trailer. It belongs to
// one goroutine. After an error it writes no more.
type Writer struct {
	w      io.Writer
	sum    hash.Hash
	buf    []byte
	events uint64
	all    Fate // of every event
	spared Fate // of none
	clock  clock
	doubt  func(*engine.Event) error
	err    error
}

// NewWriter begins a file.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	line, err := lineOf(h)
	if err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	out := &Writer{w: w, sum: sha256.New()}
	out.all, out.spared = h.fate()
	return out, out.put(line)
}

// Doubt has the writer ask about content of a known kind that has no readable form, before
// it passes that on as it is. An error ends the file.
func (w *Writer) Doubt(ask func(e *engine.Event) error) { w.doubt = ask }

// Event writes an event, of which Data is read and Payload is not. What of its
// fate matters is up to the header.
func (w *Writer) Event(e *engine.Event, fate Fate) error {
	if w.err != nil {
		return w.err
	}
	line, readable := w.clock.appendEvent(w.buf, e, fate&^w.spared|w.all)
	if !readable && w.doubt != nil {
		if w.err = w.doubt(e); w.err != nil {
			return w.err
		}
	}
	w.buf = line
	w.events++
	return w.full()
}

// Line writes an event that is a line already, with its newline.
func (w *Writer) Line(line []byte) error {
	w.events++
	return w.put(line)
}

func (w *Writer) put(line []byte) error {
	w.buf = append(w.buf, line...)
	return w.full()
}

func (w *Writer) full() error {
	if len(w.buf) < writeSize {
		return w.err
	}
	return w.flush()
}

// Flush writes what has been gathered: the beginning of a file, to be resumed.
func (w *Writer) Flush() error { return w.flush() }

func (w *Writer) flush() error {
	if w.err != nil {
		return w.err
	}
	w.sum.Write(w.buf)
	return w.write(w.buf)
}

func (w *Writer) write(b []byte) error {
	if _, err := w.w.Write(b); err != nil {
		w.err = fmt.Errorf("write export: %w", err)
	}
	if w.buf = w.buf[:0]; cap(w.buf) > 8*writeSize {
		w.buf = nil // one very long line
	}
	return w.err
}

// Close writes the trailer, without which the file is a cut one.
func (w *Writer) Close() (Trailer, error) {
	if err := w.flush(); err != nil {
		return Trailer{}, err
	}
	t := Trailer{Events: w.events, SHA256: hex.EncodeToString(w.sum.Sum(nil))}
	line, err := lineOf(t)
	if err != nil {
		return t, err
	}
	return t, w.write(line)
}
