package storage

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// space refuses batches while the disk is nearly full, so that an ordinary full
// disk is a plain refusal that ends by itself and never a failed write.
type space struct {
	fs      vfs.FS
	dir     string
	reserve uint64
	now     func() time.Time

	mu   sync.Mutex
	at   time.Time // of the last look
	free uint64
	err  error
}

const spaceInterval = time.Second

// check returns an error while less than the reserve is free. It asks the file
// system at most once a second. One that does not tell has space.
func (s *space) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.at.IsZero() || now.Sub(s.at) >= spaceInterval || now.Before(s.at) {
		s.at, s.err = now, nil
		usage, err := s.fs.GetDiskUsage(s.dir)
		s.free = usage.AvailBytes
		if err == nil && s.free < s.reserve {
			s.err = unavailable(fmt.Sprintf("the node's disk is nearly full: %d MiB free, it keeps %d MiB in reserve", s.free>>20, s.reserve>>20), nil)
		}
	}
	return s.err
}

// last is the free space at the last look.
func (s *space) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free
}
