package portable

import (
	"errors"
	"fmt"
)

// ErrCut is a file that ends before its trailer.
var ErrCut = errors.New("the file ends before its trailer: it was cut")

// LineError says which line of a file is wrong, and why.
type LineError struct {
	Line uint64 // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// fieldError says which field is wrong.
type fieldError struct {
	field  string
	reason string
}

func (e *fieldError) Error() string { return fmt.Sprintf("%s: %s", e.field, e.reason) }

func wrong(field, format string, args ...any) error {
	return &fieldError{field, fmt.Sprintf(format, args...)}
}
