package portable

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/klatch-chat/klatch/engine"
)

// Reader reads a file and holds it to its form. It belongs to one goroutine.
type Reader struct {
	lines  *lines
	header Header
	sum    hash.Hash
	size   int64 // bytes up to the end of the last good line
	events uint64
	last   engine.ID                // of the last event
	seqs   map[engine.Origin]uint64 // how far each origin has come
	end    error                    // what Next says from now on
	tail   Trailer                  // once it has come
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	out := &Reader{lines: newLines(r), sum: sha256.New(), seqs: map[engine.Origin]uint64{}}
	line, err := out.lines.next()
	if err == nil {
		if err = parseWhole(line, &out.header); err == nil {
			err = out.header.check()
		}
		err = atLine(1, err)
	}
	if errors.Is(err, io.EOF) {
		err = &LineError{1, ErrCut}
	}
	if err != nil {
		return nil, err
	}
	for o, seq := range out.header.After.All() {
		out.seqs[o] = seq
	}
	out.took(line)
	return out, nil
}

// atLine says of an error which line it is about.
func atLine(number uint64, err error) error {
	var already *LineError
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &LineError{number, err}
}

// Header returns the first line.
func (r *Reader) Header() Header { return r.header }

// Events is how many events have come.
func (r *Reader) Events() uint64 { return r.events }

// Line is the number of the line that was read last.
func (r *Reader) Line() uint64 { return r.lines.number }

// Size is how many bytes the header and the events that have come take.
func (r *Reader) Size() int64 { return r.size }

// Trailer returns the last line of a whole file that has been read.
func (r *Reader) Trailer() Trailer { return r.tail }

// Reached is the position up to which events have come.
func (r *Reader) Reached() (p engine.Position) {
	for o, seq := range r.seqs {
		p = p.With(o, seq)
	}
	return p
}

// Next returns the next event, without its Payload. It is io.EOF after a whole
// file, and ErrCut where the trailer is missing; other errors are the line's, or
// what reading gave.
func (r *Reader) Next() (*engine.Event, error) {
	if r.end != nil {
		return nil, r.end
	}
	e, err := r.next()
	if err != nil {
		r.end = err
	}
	return e, err
}

func (r *Reader) next() (*engine.Event, error) {
	line, err := r.lines.next()
	if errors.Is(err, io.EOF) {
		err = &LineError{r.lines.number, ErrCut}
	}
	if err != nil {
		return nil, err
	}
	list, err := members(line)
	if err != nil {
		return nil, atLine(r.lines.number, err)
	}
	if isTrailer(list) {
		if err = r.finish(line); err == io.EOF {
			return nil, err
		}
		return nil, atLine(r.lines.number, err)
	}
	e, err := parseEvent(list)
	if err == nil {
		err = r.follow(e)
	}
	if err != nil {
		return nil, atLine(r.lines.number, err)
	}
	r.events++
	r.took(line)
	return e, nil
}

func (r *Reader) took(line []byte) {
	r.sum.Write(line)
	r.size += int64(len(line))
}

func isTrailer(list []member) bool {
	for i := range list {
		if list[i].name == "sha256" {
			return true
		}
	}
	return false
}

// follow holds an event against those before it and the header.
func (r *Reader) follow(e *engine.Event) error {
	through := r.header.Position.Seq(e.Origin)
	switch have := r.seqs[e.Origin]; {
	case through == 0:
		return wrong(nameOrigin, "the header's position has no origin %s", e.Origin)
	case e.Seq != have+1:
		return wrong(nameSeq, "it is %d, and %d of origin %s comes next", e.Seq, have+1, e.Origin)
	case e.Seq > through:
		return wrong(nameSeq, "the header's position ends with %d of origin %s", through, e.Origin)
	case e.ID().Compare(r.last) <= 0:
		return wrong(nameID, "it is not later than that of the line before")
	}
	r.seqs[e.Origin], r.last = e.Seq, e.ID()
	return nil
}

// finish reads the trailer, behind which there is nothing.
func (r *Reader) finish(line []byte) error {
	var t Trailer
	if err := parseWhole(line, &t); err != nil {
		return err
	}
	if err := t.check(r.events, r.sum.Sum(nil)); err != nil {
		return err
	}
	for o, seq := range r.header.Position.All() {
		if have := r.seqs[o]; have != seq {
			return wrong("events", "origin %s ends with %d, not with the position's %d", o, have, seq)
		}
	}
	_, err := r.lines.next()
	switch {
	case errors.Is(err, io.EOF):
		r.tail = t
		return io.EOF
	case err == nil || errors.Is(err, ErrCut):
		return &LineError{r.lines.number, errors.New("it comes after the trailer")}
	}
	return err
}

// Continue returns a Writer that goes on behind the events that have been read.
func (r *Reader) Continue(w io.Writer) *Writer {
	out := &Writer{w: w, sum: r.sum, events: r.events}
	out.all, out.spared = r.header.fate()
	return out
}
