package cluster

import (
	"fmt"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// sender is the outgoing stream of one link's events: what the peer wants and how
// far that has been sent. It holds no events: the tail and the log do.
type sender struct {
	wants    map[engine.Origin]uint64 // the last seq sent
	flight   []flight                 // sent, not yet acknowledged, in order
	inFlight int                      // bytes of these
	turn     engine.Origin            // whose events were sent last
}

type flight struct {
	origin engine.Origin
	last   uint64
	bytes  int
}

// want starts, moves or stops one origin's stream. What of it is in flight no
// longer counts: it was lost, or is not wanted.
func (s *sender) want(w want) {
	s.flight = slices.DeleteFunc(s.flight, func(f flight) bool {
		if f.origin == w.Origin {
			s.inFlight -= f.bytes
		}
		return f.origin == w.Origin
	})
	if w.Stop {
		delete(s.wants, w.Origin)
	} else if _, ok := s.wants[w.Origin]; ok || len(s.wants) < maxSeats {
		s.wants[w.Origin] = w.After
	}
}

// acknowledge forgets what the peer has, and reports whether that opened the window.
func (s *sender) acknowledge(p engine.Position) (opened bool) {
	closed := s.inFlight >= window
	s.flight = slices.DeleteFunc(s.flight, func(f flight) bool {
		had := p.Seq(f.origin) >= f.last
		if had {
			s.inFlight -= f.bytes
		}
		return had
	})
	return closed && s.inFlight < window
}

// next chooses an origin that has something to send, each in its turn.
func (s *sender) next(p engine.Position) (o engine.Origin, after uint64, ok bool) {
	if s.inFlight >= window {
		return 0, 0, false
	}
	var first, later engine.Origin
	for origin, sent := range s.wants {
		if p.Seq(origin) <= sent {
			continue
		}
		if first == 0 || origin < first {
			first = origin
		}
		if origin > s.turn && (later == 0 || origin < later) {
			later = origin
		}
	}
	if o = later; o == 0 {
		o = first
	}
	return o, s.wants[o], o != 0
}

// sent notes a frame, unless the peer has changed its mind meanwhile.
func (s *sender) sent(o engine.Origin, after, last uint64, bytes int) bool {
	if have, ok := s.wants[o]; !ok || have != after {
		return false
	}
	s.wants[o], s.turn = last, o
	s.flight = append(s.flight, flight{o, last, bytes})
	s.inFlight += bytes
	return true
}

// writeEvents sends one frame of events, and reports whether it did.
func (l *link) writeEvents() bool {
	pos := l.cluster.store.Position()
	l.mu.Lock()
	o, after, ok := l.snd.next(pos)
	l.mu.Unlock()
	if !ok {
		return false
	}
	frame, last, n, err := l.cluster.eventsAfter(o, after, pos.Seq(o))
	if err != nil {
		l.fail(fmt.Errorf("read the log: %w", err))
		return false
	}
	l.mu.Lock()
	ok = l.snd.sent(o, after, last, len(frame))
	l.mu.Unlock()
	if !ok {
		return true
	}
	l.stats.eventsSent.Add(uint64(n))
	return l.writeFrame(frame)
}

// eventsAfter builds a frame of events of one origin, from memory or from the log.
func (c *Cluster) eventsAfter(o engine.Origin, after, through uint64) (frame []byte, last uint64, n int, err error) {
	frame = append(make([]byte, 0, 4<<10), byte(frameEvents))
	if o == c.origin {
		if f, last, n, ok := c.tail.appendTo(frame, after+1, eventsFrame); ok {
			return f, last, n, nil
		}
	}
	var one []byte
	for entry, err := range c.store.Events(o, after, through) {
		if err != nil {
			return nil, 0, 0, err
		}
		if one, err = entry.AppendBinary(one[:0]); err != nil {
			return nil, 0, 0, err
		}
		if n > 0 && len(frame)+len(one) > eventsFrame {
			break
		}
		frame = appendEvent(frame, one)
		last = entry.Seq
		n++
	}
	return frame, last, n, nil
}
