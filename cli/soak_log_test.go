package cli_test

import (
	"bytes"
	"strings"
	"sync"
)

// soakLog is a server's log, of which only what should not be there is kept.
type soakLog struct {
	mu   sync.Mutex
	rest []byte // of a line
	kept []string
	more int // lines to keep after a bad one: its stack
}

const (
	soakLogStack = 60
	soakLogMost  = 600
)

// soakLogWords are what no client can have a sound server write.
var soakLogWords = []string{"panic", "DATA RACE", "fatal error", "level=ERROR"}

// Write implements io.Writer.
func (l *soakLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.lineLocked(string(line))
		l.rest = rest
	}
}

func (l *soakLog) lineLocked(line string) {
	for _, word := range soakLogWords {
		if strings.Contains(line, word) {
			l.more = soakLogStack
		}
	}
	if l.more > 0 && len(l.kept) < soakLogMost {
		l.more--
		l.kept = append(l.kept, line)
	}
}

func (l *soakLog) suspicious() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.kept) > 0
}

func (l *soakLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.kept, "\n")
}
