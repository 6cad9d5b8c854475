package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// eventsOf reads all that a node has written itself, as a link would carry it.
func eventsOf(t testing.TB, n *node) (events []*engine.Event) {
	t.Helper()
	origin := n.store.Origin()
	for le, err := range n.store.Events(origin, 0, n.store.Position().Seq(origin)) {
		if err != nil {
			t.Fatal(err)
		}
		ev, err := le.Load()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := ev.AppendBinary(nil)
		if ev, err = engine.ParseEvent(b); err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	return events
}

// I2: events that nobody has decoded are applied, a gap is named and what came
// before it kept, and garbage is refused before it is queued.
func TestI2ApplyAsync(t *testing.T) {
	a, b := openNode(t), openNode(t)
	ann := a.user("ann")
	room := a.room("general", ann)
	for i := range 5 {
		a.post(ann, room, fmt.Sprint(i))
	}
	events := eventsOf(t, a)
	origin := a.store.Origin()
	apply := func(events []*engine.Event) (engine.Position, error) {
		type answer struct {
			pos engine.Position
			err error
		}
		done := make(chan answer, 1)
		if err := b.ApplyAsync(events, func(p engine.Position, err error) { done <- answer{p, err} }); err != nil {
			return engine.Position{}, err
		}
		got := <-done
		return got.pos, got.err
	}
	if pos, err := apply(append(events[:3:3], events[4:]...)); !errors.Is(err, engine.ErrGap) || pos.Seq(origin) != 3 {
		t.Errorf("with a gap: %v, %v", pos.Seq(origin), err)
	}
	if pos, err := apply(events); err != nil || pos.Seq(origin) != uint64(len(events)) {
		t.Errorf("all: %v, %v", pos.Seq(origin), err)
	}
	if page, err := b.store.History(room, engine.Range{Limit: 50}, engine.ID{}); err != nil || len(page.Items) != 5 {
		t.Errorf("history has %d messages, %v", len(page.Items), err)
	}
	bad := *events[len(events)-1]
	bad.Seq, bad.Data, bad.Payload = bad.Seq+1, []byte("no cbor"), nil
	if _, err := apply([]*engine.Event{&bad}); err == nil || errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("garbage: %v", err)
	}
}

// I6: what peers send is counted as what it is, and refused past the queue's bound.
func TestI6AppliedEventsAreCounted(t *testing.T) {
	n, store := openSly(t)
	stall := make(chan struct{})
	store.begin = func() { <-stall }
	data := bytes.Repeat([]byte("x"), 1<<20)
	var done sync.WaitGroup
	taken := 0
	var err error
	for ; taken < 64 && err == nil; taken++ {
		done.Add(1)
		ev := &engine.Event{Origin: 7, Seq: uint64(taken + 2), Stamp: 1, Kind: 200, Data: data}
		if err = n.ApplyAsync([]*engine.Event{ev}, func(engine.Position, error) { done.Done() }); err != nil {
			done.Done()
		}
	}
	if !errors.Is(err, engine.ErrUnavailable) || taken < 8 || taken > 24 {
		t.Errorf("%d events of 1 MiB were taken: %v", taken, err)
	}
	close(stall)
	done.Wait()
}

// readStore counts what notices need to read.
type readStore struct {
	engine.Store
	reads atomic.Int64
}

func (s *readStore) Message(room, id, reader engine.ID) (engine.Message, error) {
	s.reads.Add(1)
	return s.Store.Message(room, id, reader)
}

func (s *readStore) Room(id engine.ID) (engine.Room, error) {
	s.reads.Add(1)
	return s.Store.Room(id)
}

// bulk is more than what is told to nobody, all of one batch.
func bulk(t testing.TB) (from *node, room engine.ID, ann *engine.Identity, events []*engine.Event) {
	from = openNode(t)
	ann = from.user("ann")
	room = from.room("general", ann)
	var wg sync.WaitGroup
	for i := range 1200 {
		wg.Add(1)
		from.PostAsync(ann, engine.NewMessage{Room: room, Body: fmt.Sprint(i)}, func(engine.Message, engine.Receipt, error) { wg.Done() })
	}
	wg.Wait()
	return from, room, ann, eventsOf(t, from)
}

// I5, I8: catching up reads nothing for sessions that are not there; who waits for
// the position is answered, and who comes with a cursor from before gets everything.
func TestI5BulkIsToldToNobody(t *testing.T) {
	_, room, ann, events := bulk(t)
	var reads *readStore
	n := openNode(t, func(c *engine.Config) {
		reads = &readStore{Store: c.Store}
		c.Store = reads
	})
	n.StopPresence()
	head := 4 // the key, the user, the room and a message
	if _, err := n.Apply(bg, events[:head]); err != nil {
		t.Fatal(err)
	}
	cursor := n.Position().String()
	waited := make(chan error, 1)
	go func() { waited <- n.WaitFor(bg, engine.Position{}.With(events[0].Origin, uint64(len(events)))) }()
	before := reads.reads.Load()
	if _, err := n.Apply(bg, events[head:]); err != nil {
		t.Fatal(err)
	}
	if got := reads.reads.Load() - before; got != 0 {
		t.Errorf("%d reads for nobody", got)
	}
	if err := <-waited; err != nil {
		t.Errorf("who waited for the position: %v", err)
	}
	c := n.connect(ann, cursor)
	c.await("checkpoint", func(v notice) bool { return v.Type == "checkpoint" && v.Cursor == n.Position().String() })
	for _, ev := range events[head:] {
		c.await("message", is("message", ev.ID()))
	}
	// With somebody here the same is told.
	m := n.post(ann, room, "live")
	c.await("live", is("message", m.ID))
}

func TestI5BulkIsToldToSessions(t *testing.T) {
	_, _, ann, events := bulk(t)
	n := openNode(t)
	head := 4
	if _, err := n.Apply(bg, events[:head]); err != nil {
		t.Fatal(err)
	}
	c := n.connect(ann, "")
	if _, err := n.Apply(bg, events[head:]); err != nil {
		t.Fatal(err)
	}
	for _, ev := range events[head:] {
		c.await("message", is("message", ev.ID()))
	}
}

// seedOf takes a node's snapshot to another's seed.
func seedOf(t testing.TB, from, to *node) engine.Seed {
	t.Helper()
	snapshot, err := from.store.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	seed, err := to.store.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for {
		piece, err := snapshot.Next()
		if err == io.EOF {
			return seed
		}
		if err == nil {
			err = seed.Write(piece)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// I4, I5, I8: a node that is given another's snapshot sends its sessions away, answers
// who waits for the position, serves cursors from before, and stamps above all it was given.
func TestI5Install(t *testing.T) {
	from, room, ann, events := bulk(t)
	n, third := openNode(t), openNode(t)
	third.user("zed")
	hand(t, third, n)
	if _, err := n.Apply(bg, events[:4]); err != nil {
		t.Fatal(err)
	}
	behind := seedOf(t, from, n)
	if err := n.Install(bg, behind); !errors.Is(err, engine.ErrGap) {
		t.Errorf("a snapshot that lacks what is here: %v", err)
	}
	behind.Discard()
	hand(t, third, from)
	local := n.user("local") // what the node has written itself stays
	late, err := from.store.Position(), error(nil)
	future := &engine.Event{Origin: 77, Seq: 1, Stamp: events[len(events)-1].Stamp + 1<<40, Kind: engine.KindUserCreated,
		User: engine.ID{1}, Payload: &engine.UserCreated{Username: "future"}}
	if future.Data, err = from.store.EncodePayload(future.Payload); err == nil {
		late, err = from.Apply(bg, []*engine.Event{future})
	}
	if err != nil {
		t.Fatal(err)
	}
	c := n.connect(ann, "")
	cursor := n.Position().String()
	waited := make(chan error, 1)
	go func() { waited <- n.WaitFor(bg, late) }()
	if err := n.Install(bg, seedOf(t, from, n)); err != nil {
		t.Fatal(err)
	}
	c.awaitClose(engine.CloseLeaving)
	c.session.Close()
	if err := <-waited; err != nil || !n.Position().Covers(late) || !n.Position().Equal(n.store.Position()) {
		t.Errorf("who waited: %v; the position is %v, not %v", err, n.Position(), late)
	}
	if _, err := n.FindUser(local.User.String()); err != nil {
		t.Errorf("the node's own user: %v", err)
	}
	again := n.connect(ann, cursor)
	for _, ev := range events[4:] {
		again.await("message", is("message", ev.ID()))
	}
	if m := n.post(ann, room, "after"); m.ID.Stamp() <= future.Stamp {
		t.Errorf("%s sorts before what it was given", m.ID)
	} else {
		again.await("live", is("message", m.ID))
	}
}

// I3: names claimed twice and messages hidden are counted, and named in the log.
func TestI3ConflictsAreVisible(t *testing.T) {
	var log safeBuffer
	n := openNode(t, func(c *engine.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	other := openNode(t)
	ann := n.user("ann")
	room := n.room("general", ann)
	hand(t, n, other)
	n.user("bob")
	other.user("bob")
	n.room("attic", ann)
	other.room("attic", ann)
	for _, at := range []*node{n, other} {
		if _, _, err := at.Post(bg, ann, engine.NewMessage{Room: room, Body: "x", Nonce: "same"}); err != nil {
			t.Fatal(err)
		}
	}
	if n.Conflicts() != 0 || n.Stats().Hidden != 0 {
		t.Errorf("%d conflicts and %d hidden before they met", n.Conflicts(), n.Stats().Hidden)
	}
	hand(t, other, n)
	if n.Conflicts() != 2 || n.Stats().Conflicts != 2 || n.Stats().Hidden != 1 {
		t.Errorf("%d conflicts and %d hidden", n.Conflicts(), n.Stats().Hidden)
	}
	for _, want := range []string{"space=user name=bob", "space=room name=attic", "level=WARN", "level=INFO", "room=" + room.String()} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, log.String())
		}
	}
}

// safeBuffer is a buffer for loggers of other goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
