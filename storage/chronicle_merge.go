package storage

import (
	"container/heap"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// merge brings the logs of all origins into one order: that of stamps, and of
// origins where these are alike, which is the order of ids. It reads each log a
// stretch at a time, through one iterator, so that memory is bounded whatever
// the number of origins.
type merge struct {
	logs    logs
	stretch int // how many entries of a log to read at a time
}

// originLog is what is still to come of one origin's log.
type originLog struct {
	origin engine.Origin
	next   uint64 // to be read from the disk
	last   uint64
	stamp  engine.Stamp // of the event that was read last
	read   []told       // and not taken yet
}

// Bounds of a stretch. Entries of the log are small but for edits.
const (
	minStretch   = 64
	maxStretch   = 4 << 10
	stretchBytes = 1 << 20
)

func newMerge(after, through engine.Position) *merge {
	m := &merge{}
	for o, seq := range through.All() {
		if have := after.Seq(o); have < seq {
			m.logs = append(m.logs, &originLog{origin: o, next: have + 1, last: seq})
		}
	}
	m.stretch = min(max(maxWindow/max(len(m.logs), 1), minStretch), maxStretch)
	return m
}

// take appends merged entries until there are n, or as many bytes as a window may
// have, or no more.
func (m *merge) take(r pebble.Reader, out *[]told, n int) error {
	it, err := iterOf(r, []byte{kindLog})
	if err != nil {
		return err
	}
	return done(it, m.takeFrom(it, out, n))
}

func (m *merge) takeFrom(it *pebble.Iterator, out *[]told, n int) error {
	for _, l := range m.logs { // at the beginning alone are there any without
		if len(l.read) == 0 {
			if err := l.fill(it, m.stretch, stretchBytes/len(m.logs)); err != nil {
				return err
			}
		}
	}
	heap.Init(&m.logs)
	size := contentOf(*out)
	for len(*out) < n && size < windowBytes && len(m.logs) > 0 {
		l := m.logs[0]
		size += contentOf(l.read[:1])
		*out = append(*out, l.read[0])
		if l.read = l.read[1:]; len(l.read) == 0 {
			if l.next > l.last {
				heap.Pop(&m.logs)
				continue
			}
			if err := l.fill(it, m.stretch, stretchBytes/len(m.logs)); err != nil {
				return err
			}
		}
		heap.Fix(&m.logs, 0)
	}
	return nil
}

// contentOf counts the bytes of contents that stand in the log itself.
func contentOf(events []told) (n int) {
	for i := range events {
		if !events[i].posted {
			n += len(events[i].Data)
		}
	}
	return n
}

// fill reads the next stretch: one entry at least.
func (l *originLog) fill(it *pebble.Iterator, entries, size int) error {
	n := min(uint64(entries), l.last-l.next+1)
	l.read = make([]told, 0, n)
	for ok := it.SeekGE(logKey(l.origin, l.next)); ok && n > 0 && size >= 0; ok, n = it.Next(), n-1 {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		e, err := l.entry(it.Key(), v)
		if err != nil {
			return fmt.Errorf("log entry %s/%d: %w", l.origin, l.next, err)
		}
		l.read = append(l.read, e)
		l.next++
		size -= len(e.Data)
	}
	if len(l.read) == 0 {
		if err := it.Error(); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s/%d", errLogGap, l.origin, l.next)
	}
	return nil
}

// entry reads one entry, which must be the next.
func (l *originLog) entry(k, v []byte) (t told, err error) {
	at, err := parseKey(k)
	if err != nil {
		return t, err
	}
	if at.origin != l.origin || at.seq != l.next {
		return t, errLogGap
	}
	if len(v) > 0 && v[0] == entryInline {
		v = append([]byte(nil), v...)
	}
	head, e, err := readEntry(&at, v)
	if err == nil && head.Stamp <= l.stamp {
		err = errOrder
	}
	if err != nil {
		return t, err
	}
	l.stamp = head.Stamp
	if e != nil {
		t.Event = *e
		return t, t.findSubject()
	}
	t.Origin, t.Seq, t.Stamp, t.Kind, t.Room = l.origin, l.next, head.Stamp, head.Kind, head.Room
	t.subject, t.posted = t.ID(), true
	return t, nil
}

// findSubject reads which message an edit is about. An edit that cannot be read
// changed nothing.
func (t *told) findSubject() error {
	if t.Kind != engine.KindEdited {
		return nil
	}
	e := t.Event
	if decodePayload(&e) == nil {
		t.subject = e.Payload.(*engine.Edited).Message
	}
	return nil
}

// logs is a heap by what comes next of each.
type logs []*originLog

func (l logs) Len() int      { return len(l) }
func (l logs) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l logs) Push(x any)    { panic("a log is never added") }

func (l logs) Less(i, j int) bool {
	a, b := &l[i].read[0], &l[j].read[0]
	if a.Stamp != b.Stamp {
		return a.Stamp < b.Stamp
	}
	return a.Origin < b.Origin
}

func (l *logs) Pop() any {
	n := len(*l) - 1
	last := (*l)[n]
	*l = (*l)[:n]
	return last
}
