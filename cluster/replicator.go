package cluster

import (
	"time"

	"github.com/klatch-chat/klatch/engine"
)

const (
	beat      = 250 * time.Millisecond
	beatsASec = 4
	// stalled is how long an origin may be behind without progress before it is
	// wanted again.
	stalled = 2 * time.Second
)

// source is where one origin's events are to come from.
type source struct {
	from  *link
	shy   *link     // brought nothing lately; passed over until nothing is missing
	have  uint64    // this node's seq of it, when last looked at
	since time.Time // of that
	known time.Time // since when something of it is known to be missing; zero: nothing
	ahead uint64    // how much
}

// replicate keeps the node's links, streams and waits in order until Close.
func (c *Cluster) replicate() {
	t := time.NewTicker(beat)
	defer t.Stop()
	for beats := 0; ; {
		select {
		case <-c.ctx.Done():
			return
		case <-c.kicked:
			c.plan()
		case <-t.C:
			c.concern.tick()
			if beats++; beats%beatsASec == 0 {
				c.second()
			}
		}
	}
}

// second is what is due once a second.
func (c *Cluster) second() {
	now := time.Now()
	c.sessions.Store(int64(c.engine.Stats().Sessions))
	for _, l := range c.allLinks() {
		if !l.up(now) {
			l.fail(errMute)
			continue
		}
		l.mu.Lock()
		l.out.positionDue, l.out.usersDue = true, true
		l.mu.Unlock()
		l.nudge()
	}
	c.forgetUnvouched(now)
	c.lookForTwins(now)
	c.plan()
	c.keepRoster()
}

// kick has the replicator plan soon.
func (c *Cluster) kick() {
	select {
	case c.kicked <- struct{}{}:
	default:
	}
}

// plan decides from whom each origin's events are to come, and says so where that changed.
func (c *Cluster) plan() {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine, now := c.store.Position(), time.Now()
	known := c.knownLocked()
	c.lookReadyLocked(mine, now)
	if c.seeding != nil {
		c.seeding.watch(now)
		return
	}
	if l := c.seedWorthwhileLocked(mine); l != nil {
		c.stopStreamsLocked()
		c.startSeedingLocked(l)
		return
	}
	for o, seq := range known.All() {
		c.planOriginLocked(o, mine.Seq(o), seq, now)
	}
}

// knownLocked is the position that all linked peers have together.
func (c *Cluster) knownLocked() (p engine.Position) {
	for _, l := range c.links {
		p = p.Merge(l.peerStatus.Load().position)
	}
	return p
}

func (c *Cluster) planOriginLocked(o engine.Origin, have, known uint64, now time.Time) {
	s := c.streams[o]
	if s == nil {
		s = &source{since: now}
		c.streams[o] = s
	}
	s.note(have, known, now)
	if o == c.origin && known <= have {
		return // nobody has more of this node's own
	}
	if s.ahead == 0 {
		s.shy = nil
	}
	own := c.links[o]
	switch {
	case s.from == nil || s.from.ended(), own != nil && own != s.from && own != s.shy:
		c.wantLocked(o, s, have, c.chooseLocked(o, s.shy), now)
	case s.ahead > 0 && now.Sub(s.since) >= stalled:
		s.shy = s.from
		c.wantLocked(o, s, have, c.chooseLocked(o, s.shy), now)
	}
}

func (s *source) note(have, known uint64, now time.Time) {
	if s.have != have {
		s.have, s.since = have, now
	}
	s.ahead = 0
	if known > have {
		s.ahead = known - have
	}
	switch {
	case s.ahead == 0:
		s.known, s.since = time.Time{}, now
	case s.known.IsZero():
		s.known = now
	}
}

// chooseLocked chooses a link for an origin: its own, but for one that brought
// nothing; else that of the peer who has most of it.
func (c *Cluster) chooseLocked(o engine.Origin, shy *link) (best *link) {
	if own := c.links[o]; own != nil && own != shy {
		return own
	}
	var most uint64
	for peer, l := range c.links {
		seq := l.peerStatus.Load().position.Seq(o)
		if seq > most || (seq == most && best != nil && seq > 0 && peer < best.peer) {
			best, most = l, seq
		}
	}
	return best
}

// wantLocked moves an origin's stream.
func (c *Cluster) wantLocked(o engine.Origin, s *source, have uint64, to *link, now time.Time) {
	if s.from != nil && s.from != to && !s.from.ended() {
		s.from.send(encodeFrame(frameWant, want{Origin: o, Stop: true}))
	}
	s.from, s.since = to, now
	if to != nil {
		to.send(encodeFrame(frameWant, want{Origin: o, After: have}))
	}
}

func (c *Cluster) stopStreamsLocked() {
	for o, s := range c.streams {
		if s.from != nil && !s.from.ended() {
			s.from.send(encodeFrame(frameWant, want{Origin: o, Stop: true}))
		}
		s.from = nil
	}
}

// lookReadyLocked makes the node ready, once and for all, when it has what its
// peers had when it met them.
func (c *Cluster) lookReadyLocked(mine engine.Position, now time.Time) {
	if c.caughtUp || !c.started || c.seeding != nil {
		return
	}
	for _, l := range c.links {
		if !mine.Covers(l.met) {
			return
		}
	}
	c.caughtUp = true
	c.log.Info("caught up with the cluster", "links", len(c.links), "took", now.Sub(c.begun).Round(time.Millisecond))
}

// applied is called by the committer for each frame of events.
func (c *Cluster) applied(l *link, events []*engine.Event, err error) {
	if err != nil {
		// The stream makes no progress then, and is wanted again within seconds.
		c.log.Warn("events of a peer were not applied", "peer", l.peer, "err", err)
		return
	}
	l.oweStatus()
	if len(events) > 0 && events[0].Origin == c.origin {
		c.tail.clear() // what a peer kept for this node did not come through Published
	}
	c.mu.Lock()
	waiting := !c.caughtUp
	c.mu.Unlock()
	if waiting {
		c.kick()
	}
}
