package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// checkLog reads the log (I2) and the positions, and has the scratch derive what is
// no post.
func (c *inspection) checkLog() error {
	l := &logCheck{c: c, last: map[engine.Origin]mark{}, derive: newDeriver(c)}
	whole, err := c.each("log", []byte{kindLog}, l.add)
	if c.logRead = whole; err == nil {
		err = l.derive.send()
	}
	if derr := l.derive.close(); derr != nil {
		err = derr // it is why the other ended
	}
	if err != nil {
		return err
	}
	return c.checkPositions(l)
}

// deriver derives events in a goroutine of its own: it takes longer than to read the log.
type deriver struct {
	c     *inspection
	lists chan []*engine.Event
	over  chan struct{}
	err   error // the goroutine's, until over
	list  []*engine.Event
	bytes int
}

// Bounds of what waits to be derived.
const (
	derivedLists = 4
	derivedCount = 256       // events in a list
	derivedBytes = 256 << 10 // of a list's content
)

func newDeriver(c *inspection) *deriver {
	d := &deriver{c: c, lists: make(chan []*engine.Event, derivedLists), over: make(chan struct{})}
	go d.run()
	return d
}

func (d *deriver) run() {
	defer close(d.over)
	for list := range d.lists {
		for _, e := range list {
			if d.err == nil {
				d.err = d.c.scratch.do(e, func(t *Tx, e *engine.Event) { t.note(t.views(e)) })
			}
		}
		if d.err != nil {
			d.c.cancel()
		}
	}
	if d.err == nil {
		d.err = d.c.scratch.flush()
	}
}

func (d *deriver) add(e *engine.Event) error {
	d.list, d.bytes = append(d.list, e), d.bytes+len(e.Data)
	if len(d.list) < derivedCount && d.bytes < derivedBytes {
		return nil
	}
	return d.send()
}

func (d *deriver) send() error {
	select {
	case d.lists <- d.list:
		d.list, d.bytes = nil, 0
		return nil
	case <-d.c.ctx.Done():
		return d.c.ctx.Err()
	}
}

// close waits until all is derived.
func (d *deriver) close() error {
	close(d.lists)
	<-d.over
	return d.err
}

// logCheck follows the log of one origin after the other.
type logCheck struct {
	c      *inspection
	last   map[engine.Origin]mark
	derive *deriver
	buf    []byte
}

func (l *logCheck) add(raw, value []byte) error {
	k, err := parseKey(raw)
	if err != nil {
		l.c.found.malformed(raw)
		return nil
	}
	l.c.events++
	last := l.last[k.origin]
	now := mark{k.seq, last.stamp}
	head, e, err := readEntry(&k, value)
	switch {
	case err != nil:
		l.c.found.add(CodeLogMalformed, k.String(), false, "%v", err)
	case head.Stamp <= last.stamp:
		l.c.found.add(CodeLogOrder, k.String(), false, "%v", errOrder)
	default:
		now.stamp = head.Stamp
	}
	if k.seq != last.seq+1 {
		l.c.gaps.add(logGap{k.origin, last.seq + 1, k.seq - 1, last.stamp, head.Stamp})
	}
	l.last[k.origin] = now
	if err != nil {
		return nil
	}
	return l.follow(&k, &head, e)
}

// follow notes the message that an entry points to, or derives the entry's views.
func (l *logCheck) follow(k *key, head *engine.LogEntry, e *engine.Event) error {
	if e == nil {
		l.buf = appendPointerEntry(l.buf[:0], head.Room, engine.MakeID(head.Stamp, k.origin), k.seq)
		l.c.pointers.expected.add(l.buf)
		return nil
	}
	l.c.decode(e)
	return l.derive.add(e)
}

// decode sets an event's payload, unless its kind is not known or its content is
// no such payload: then a node of a version that did not know the kind took it.
func (c *inspection) decode(e *engine.Event) {
	e.Data = append([]byte(nil), e.Data...)
	if c.s.DecodePayload(e) != nil {
		e.Payload = nil
	}
}

var (
	errEntry = errors.New("it is another event's entry")
	errOrder = errors.New("its stamp is not later than that of the event before it")
)

// readEntry parses a log entry and holds it against its key.
func readEntry(k *key, value []byte) (head engine.LogEntry, e *engine.Event, err error) {
	head, e, err = parseEntry(value)
	switch {
	case err != nil:
	case e == nil && head.Kind != engine.KindPosted:
		err = fmt.Errorf("%w: it points to a message, and is of kind %d", errRecord, head.Kind)
	case e != nil && head.Kind == engine.KindPosted:
		err = fmt.Errorf("%w: a post that is no pointer", errRecord)
	case e != nil && (e.Origin != k.origin || e.Seq != k.seq):
		err = fmt.Errorf("%w: %s/%d", errEntry, e.Origin, e.Seq)
	}
	return head, e, err
}

func appendPointerEntry(dst []byte, room, id engine.ID, seq uint64) []byte {
	dst = append(append(dst, room[:]...), id[:]...)
	return binary.BigEndian.AppendUint64(dst, seq)
}

// checkPositions compares where the log ends with where the store says that it does.
func (c *inspection) checkPositions(l *logCheck) error {
	said := map[engine.Origin]bool{}
	whole, err := c.each("log", []byte{kindPosition}, func(raw, v []byte) error {
		k, err := parseKey(raw)
		if err != nil {
			c.found.malformed(raw)
			return nil
		}
		said[k.origin] = true
		c.checkPosition(&k, v, l.last[k.origin])
		return nil
	})
	if err != nil || !c.logRead || !whole {
		return err
	}
	for o, last := range l.last {
		if !said[o] {
			c.found.view(originKey(kindPosition, o), isMissing, fmt.Sprintf("the log ends at %d", last.seq))
		}
	}
	return nil
}

func (c *inspection) checkPosition(k *key, v []byte, last mark) {
	if !c.logRead {
		return
	}
	if len(v) != 8 {
		c.found.add(viewCode(k, isWrong), k.String(), true, "it is no number")
		return
	}
	switch seq := binary.BigEndian.Uint64(v); {
	case seq > last.seq:
		c.gaps.add(logGap{k.origin, last.seq + 1, seq, last.stamp, 0})
	case seq < last.seq:
		c.found.add(viewCode(k, isWrong), k.String(), true, "it says %d, and the log ends at %d", seq, last.seq)
	case seq == 0:
		c.found.add(viewCode(k, isExtra), k.String(), true, "it says nothing")
	}
}

// logGap is a run of events that are missing.
type logGap struct {
	origin        engine.Origin
	first, last   uint64
	before, after engine.Stamp // of its neighbours; 0: there is none
}

// gapList is bounded: past that, gaps are counted as one.
type gapList struct {
	list []logGap
	more int
}

const maxGaps = 10_000

func (g *gapList) add(gap logGap) {
	if len(g.list) < maxGaps {
		g.list = append(g.list, gap)
		return
	}
	g.more++
}

// settleGaps tells of the gaps. One whose events are all posts that are still there,
// each saying its seq, is mendable: the pointers can be made again.
func (c *inspection) settleGaps(unlogged map[logPlace]engine.Stamp) {
	for _, g := range c.gaps.list {
		k := key{kind: kindLog, origin: g.origin, seq: g.first}
		what := "the event is missing"
		if g.last > g.first {
			what = fmt.Sprintf("the events %d to %d are missing", g.first, g.last)
		}
		mendable := g.covered(unlogged)
		if mendable {
			what += " from the log, but they are posts, and their messages are there"
		}
		c.found.add(CodeLogGap, k.String(), mendable, "%s", what)
	}
	if c.gaps.more > 0 {
		c.found.add(CodeLogGap, "", false, "and in %d more places", c.gaps.more)
	}
}

// logPlace names an event.
type logPlace struct {
	origin engine.Origin
	seq    uint64
}

func (g *logGap) covered(unlogged map[logPlace]engine.Stamp) bool {
	if g.last-g.first >= uint64(len(unlogged)) {
		return false
	}
	last := g.before
	for seq := g.first; seq <= g.last; seq++ {
		stamp, ok := unlogged[logPlace{g.origin, seq}]
		if !ok || stamp <= last {
			return false
		}
		last = stamp
	}
	return g.after == 0 || last < g.after
}
