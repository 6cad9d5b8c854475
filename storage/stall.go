package storage

import "time"

// Bounds on what waits to be written to tables. Past them a batch waits.
const (
	stallMemtables = 4  // of the memtables' size
	stallSublevels = 24 // of level 0
	stallPoll      = 2 * time.Millisecond
)

// neverStall is for Pebble's own bounds. Where tables cannot be written any more,
// its stall waits for ever, and with it the committer; ours ends with the error.
const neverStall = 1 << 20

// stall slows the committer down to the pace at which tables are written. It
// belongs to the committer.
type stall struct {
	memtable int64 // bytes of one
	unseen   int64 // bytes written since the last look: a look costs more than a batch
}

// awaitRoom waits until the store has room for a batch, or returns why it has none.
func (s *Store) awaitRoom(bytes int) error {
	if s.stall.unseen += int64(bytes); s.stall.unseen < s.stall.memtable/2 {
		return nil
	}
	s.stall.unseen = 0
	for !s.hasRoom() {
		if err := s.writable(); err != nil {
			return err
		}
		time.Sleep(stallPoll)
	}
	return nil
}

func (s *Store) hasRoom() bool {
	m := s.db.Metrics()
	return int64(m.MemTable.Size) < stallMemtables*s.stall.memtable && m.Levels[0].Sublevels < stallSublevels
}
