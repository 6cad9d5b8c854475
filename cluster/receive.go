package cluster

import (
	"fmt"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// receive deals with one frame. b is valid only during the call.
func (l *link) receive(b []byte) error {
	if len(b) == 0 {
		return errFrame
	}
	kind, body := frameKind(b[0]), b[1:]
	if !l.greeted {
		if kind != frameHello {
			return fmt.Errorf("%w: the first is not hello", errFrame)
		}
		return l.greet(body)
	}
	switch kind {
	case frameWant:
		return l.wanted(body)
	case frameEvents:
		return l.events(body)
	case framePosition:
		return l.position(body)
	case framePresence:
		return l.presence(body)
	case frameRelay:
		return l.relayed(body)
	case frameRoster:
		return l.roster(body)
	case frameSnapshot:
		return l.snapshotAsked()
	case framePiece:
		return l.cluster.piece(l, body)
	}
	return nil // of a later version
}

// greet takes the peer's hello; the link is up then.
func (l *link) greet(body []byte) error {
	var h hello
	if err := decodeFrame(body, &h); err != nil {
		return err
	}
	if h.Oldest > protocolVersion || h.Newest < protocolOldest {
		return fmt.Errorf("%w: %d to %d against %d to %d", errVersions, h.Oldest, h.Newest, protocolOldest, protocolVersion)
	}
	pos, err := engine.ParsePosition(h.Position)
	if err != nil || h.Origin == 0 {
		return fmt.Errorf("%w: hello", errFrame)
	}
	if h.To != 0 && h.To != l.cluster.origin || l.to != 0 && h.Origin != l.to {
		return errMoved
	}
	if h.Origin == l.cluster.origin {
		return errSelf
	}
	l.greeted, l.peer, l.boot, l.version, l.since, l.met = true, h.Origin, h.Boot, h.Version, time.Now(), pos
	l.peerStatus.Store(&peerStatus{position: pos, received: time.Now()})
	if err := l.net.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return l.cluster.link(l, h.Roster)
}

// events decodes a frame of events and hands it to the committer. It waits while
// too many are on their way there: then nothing more is read, and the window closes.
func (l *link) events(body []byte) error {
	body = append([]byte(nil), body...) // events keep it
	evs, err := parseEvents(body)
	if err != nil {
		return err
	}
	for _, e := range evs {
		if err := l.cluster.store.DecodePayload(e); err != nil {
			return fmt.Errorf("decode event %s/%d: %w", e.Origin, e.Seq, err)
		}
	}
	l.stats.eventsReceived.Add(uint64(len(evs)))
	select {
	case l.apply <- struct{}{}:
	case <-l.done:
		return nil
	}
	for {
		err := l.cluster.engine.ApplyAsync(evs, func(_ engine.Position, err error) {
			<-l.apply
			l.cluster.applied(l, evs, err)
		})
		if err == nil {
			return nil
		}
		// The committer's queue is full: this peer waits, others' bytes are bounded too.
		select {
		case <-time.After(20 * time.Millisecond):
		case <-l.done:
			<-l.apply
			return nil
		}
	}
}

// position takes what the peer says of itself: the ack of our events, above all.
func (l *link) position(body []byte) error {
	var s status
	if err := decodeFrame(body, &s); err != nil {
		return err
	}
	pos, err := engine.ParsePosition(s.Position)
	if err != nil {
		return fmt.Errorf("%w: position", errFrame)
	}
	now := time.Now()
	p := &peerStatus{status: s, position: pos, received: now}
	if old := l.peerStatus.Load(); old != nil {
		p.rtt = old.rtt
	}
	if s.Echo != 0 {
		p.rtt = max(0, now.Sub(time.UnixMicro(s.Echo))-s.Held)
	}
	l.peerStatus.Store(p)
	l.mu.Lock()
	opened := l.snd.acknowledge(pos)
	l.mu.Unlock()
	if opened {
		l.nudge()
	}
	l.cluster.concern.ack(l.peer, pos.Seq(l.cluster.origin))
	return nil
}

func (l *link) wanted(body []byte) error {
	var w want
	if err := decodeFrame(body, &w); err != nil {
		return err
	}
	l.mu.Lock()
	l.snd.want(w)
	l.mu.Unlock()
	l.nudge()
	return nil
}

func (l *link) roster(body []byte) error {
	var seats []seat
	if err := decodeFrame(body, &seats); err != nil {
		return err
	}
	l.cluster.meet(seats)
	return nil
}
