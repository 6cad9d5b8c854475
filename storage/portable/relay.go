package portable

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
)

// Relay takes a file as a stream, to tell at its end whether it came whole. It
// looks at the lines' ends and at the trailer alone. It belongs to one goroutine.
type Relay struct {
	// Event, if set, takes each event's line, with its newline.
	Event func(line []byte) error

	header  Header
	sum     hash.Hash
	lines   uint64
	pending []byte // the last whole line, and what came after it
	whole   int    // the length of that line
}

// NewRelay returns a Relay at the beginning of a file.
func NewRelay() *Relay { return &Relay{sum: sha256.New()} }

// Header is the file's, once it has come.
func (r *Relay) Header() Header { return r.header }

// Events is how many events have come, or one less.
func (r *Relay) Events() uint64 { return max(r.lines, 1) - 1 }

// Write implements io.Writer.
func (r *Relay) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			r.pending = append(r.pending, rest...)
			break
		}
		if err := r.line(rest[:end]); err != nil {
			return 0, err
		}
		rest = rest[end:]
	}
	if len(r.pending) > maxLine+writeSize {
		return 0, &LineError{r.lines + 1, fmt.Errorf("it is longer than %d MiB", maxLine>>20)}
	}
	return len(b), nil
}

// line ends the pending line. The whole one before it is not the trailer then.
func (r *Relay) line(end []byte) error {
	if r.whole > 0 {
		if err := r.pass(r.pending[:r.whole]); err != nil {
			return err
		}
		r.pending = r.pending[:copy(r.pending, r.pending[r.whole:])]
	}
	r.pending = append(r.pending, end...)
	r.whole = len(r.pending)
	return nil
}

func (r *Relay) pass(line []byte) error {
	r.sum.Write(line)
	if r.lines++; r.lines == 1 {
		err := parseWhole(line, &r.header)
		if err == nil {
			err = r.header.check()
		}
		return atLine(1, err)
	}
	if r.Event == nil {
		return nil
	}
	return r.Event(line)
}

// Close tells whether the file was whole.
func (r *Relay) Close() (t Trailer, err error) {
	if r.lines == 0 && r.whole > 0 { // the header, if anything
		if err := r.pass(r.pending[:r.whole]); err != nil {
			return t, err
		}
		return t, ErrCut
	}
	switch {
	case r.whole == 0 || len(r.pending) > r.whole:
		return t, ErrCut
	case !bytes.Contains(r.pending, []byte(`"sha256":`)):
		return t, ErrCut
	}
	if err = parseWhole(r.pending, &t); err == nil {
		err = t.check(r.Events(), r.sum.Sum(nil))
	}
	return t, atLine(r.lines+1, err)
}
