package portable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line: the largest body, 16 MiB, with every character escaped, and some.
const maxLine = 100 << 20

// lines reads lines of a bounded length, each with its newline.
type lines struct {
	r      *bufio.Reader
	long   []byte // of a line that is longer than the reader's buffer
	number uint64 // of the last line
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, writeSize)} }

// next returns a line, valid until the next call. At the end it is ErrCut if
// the last line has no newline, else io.EOF.
func (l *lines) next() ([]byte, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	if err == nil {
		return line, nil
	}
	l.long = append(l.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(l.long) > maxLine {
			return nil, &LineError{l.number, fmt.Errorf("it is longer than %d MiB", maxLine>>20)}
		}
		line, err = l.r.ReadSlice('\n')
		l.long = append(l.long, line...)
	}
	switch {
	case errors.Is(err, io.EOF) && len(l.long) > 0:
		return nil, &LineError{l.number, ErrCut}
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("read line %d: %w", l.number, err)
	}
	return l.long, nil
}
