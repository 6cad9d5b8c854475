package cluster

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

const (
	// defaultSeedAfter is how many events behind a node asks for a snapshot instead.
	defaultSeedAfter = 100_000
	// ownTail is how many of its own events a node may have that the snapshot lacks.
	ownTail = 1000
	// seedTries bounds the snapshots that may fail before the log has to do.
	seedTries    = 3
	seedPatience = 30 * time.Second
	// seedTimeout bounds the installation of what has come.
	seedTimeout = 5 * time.Minute
)

// seeding is a snapshot on its way in. While there is one, no events are wanted.
type seeding struct {
	from  *link
	since time.Time
	heard atomic.Int64 // pieces that have come

	// Owned by the link's reader, then by install.
	seed   engine.Seed
	bytes  int64
	ending bool
}

// watch ends the link of a peer that does not know what a snapshot is.
func (s *seeding) watch(now time.Time) {
	if s.heard.Load() == 0 && now.Sub(s.since) > seedPatience {
		s.from.fail(errors.New("it sends no snapshot"))
	}
}

// seedWorthwhile decides whether a peer's snapshot is the better way to catch up:
// only before this node is ready, for sessions end by it.
func (c *Cluster) seedWorthwhileLocked(mine engine.Position) *link {
	if c.caughtUp || c.seedTries >= seedTries {
		return nil
	}
	var best *link
	var most uint64
	for _, l := range c.links {
		p := l.peerStatus.Load().position
		if behind := p.Behind(mine); behind > c.cfg.seedAfter && behind > most && c.supersedes(p, mine) {
			best, most = l, behind
		}
	}
	return best
}

// supersedes reports whether a snapshot at p holds all that this node has, but for a few of its own events.
func (c *Cluster) supersedes(p, mine engine.Position) bool {
	own, known := mine.Seq(c.origin), p.Seq(c.origin)
	if own > known+ownTail {
		return false
	}
	return p.Covers(mine.With(c.origin, min(own, known)))
}

// startSeedingLocked asks a peer for its snapshot.
func (c *Cluster) startSeedingLocked(l *link) {
	c.seedTries++
	seed, err := c.store.Seed()
	if err != nil {
		c.log.Warn("cannot take a snapshot; reading the log instead", "err", err)
		return
	}
	c.seeding = &seeding{from: l, seed: seed, since: time.Now()}
	c.log.Info("far behind: taking a snapshot", "from", l.peer, "behind", l.peerStatus.Load().position.Behind(c.store.Position()))
	l.send([]byte{byte(frameSnapshot)})
}

// piece takes the next piece of a snapshot; an empty one is its end.
func (c *Cluster) piece(l *link, body []byte) error {
	c.mu.Lock()
	s := c.seeding
	c.mu.Unlock()
	if s == nil || s.from != l || s.ending {
		return nil
	}
	if len(body) > 0 {
		s.heard.Add(1)
		s.bytes += int64(len(body))
		if err := s.seed.Write(body); err != nil {
			c.endSeeding(s, err)
		}
		return nil
	}
	if s.heard.Load() == 0 {
		c.endSeeding(s, errors.New("the peer has none to give"))
		return nil
	}
	s.ending = true
	c.goes(func() { c.install(s) })
	return nil
}

func (c *Cluster) install(s *seeding) {
	ctx, cancel := context.WithTimeout(context.Background(), seedTimeout)
	defer cancel()
	err := c.engine.Install(ctx, s.seed)
	if err == nil {
		c.seeded.Add(1)
		c.log.Info("snapshot installed", "from", s.from.peer, "bytes", s.bytes, "took", time.Since(s.since).Round(time.Millisecond))
	}
	c.endSeeding(s, err)
}

// endSeeding ends a seeding, whose snapshot is installed or is of no use.
func (c *Cluster) endSeeding(s *seeding, err error) {
	c.mu.Lock()
	if c.seeding != s {
		c.mu.Unlock()
		return
	}
	c.seeding = nil
	c.mu.Unlock()
	s.seed.Discard()
	if err != nil {
		c.log.Warn("the snapshot was of no use; reading the log instead", "from", s.from.peer, "err", err)
	}
	c.kick()
}

// snapshotAsked notes that the peer wants all that this node has.
func (l *link) snapshotAsked() error {
	l.mu.Lock()
	l.out.asked = true
	l.mu.Unlock()
	l.nudge()
	return nil
}

// writePiece sends the next piece of a snapshot, if one has been asked for, and
// reports whether there is more. The peer's reading sets the pace.
func (l *link) writePiece() bool {
	l.mu.Lock()
	asked := l.out.asked
	l.mu.Unlock()
	if !asked {
		return false
	}
	b, err := l.nextPiece()
	if err != nil {
		l.dropSnapshot()
		if !errors.Is(err, io.EOF) {
			l.cluster.log.Warn("could not send a snapshot", "to", l.peer, "err", err)
			l.fail(err)
			return false
		}
		b = nil
	}
	return l.writeFrame(append([]byte{byte(framePiece)}, b...)) && err == nil
}

func (l *link) nextPiece() (b []byte, err error) {
	if l.out.snapshot == nil { // the writer's own
		if l.out.snapshot, err = l.cluster.store.Snapshot(); err != nil {
			l.out.snapshot = nil
			return nil, err
		}
	}
	return l.out.snapshot.Next()
}

func (l *link) dropSnapshot() {
	l.mu.Lock()
	l.out.asked = false
	l.mu.Unlock()
	if l.out.snapshot != nil {
		_ = l.out.snapshot.Close()
		l.out.snapshot = nil
	}
}
