package backup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/klatch-chat/klatch/storage"
)

// ErrOther is matched by a backup that another version of klatch must restore.
var ErrOther = storage.ErrOther

// Problem is a part of a backup that is not as it was made.
type Problem struct {
	Part string `json:"part"` // a file, or a place in the stream
	What string `json:"what"`
}

// DamageError says that a backup cannot be relied on, and which parts of it.
type DamageError struct {
	Problems []Problem // the first ones
	More     int       // that are not listed
}

const maxProblems = 100

func (e *DamageError) add(part, format string, args ...any) {
	if len(e.Problems) == maxProblems {
		e.More++
		return
	}
	e.Problems = append(e.Problems, Problem{part, fmt.Sprintf(format, args...)})
}

func (e *DamageError) orNil() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}

func (e *DamageError) Error() string {
	var b strings.Builder
	b.WriteString("the backup is damaged, and nothing of it is used:")
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s: %s", p.Part, p.What)
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.More)
	}
	return b.String()
}

// damaged is a single problem.
func damaged(part, format string, args ...any) error {
	e := &DamageError{}
	e.add(part, format, args...)
	return e
}

// addAll takes over another error's problems.
func (e *DamageError) addAll(err error) bool {
	var other *DamageError
	if !errors.As(err, &other) {
		return false
	}
	for _, p := range other.Problems {
		e.add(p.Part, "%s", p.What)
	}
	e.More += other.More
	return true
}
