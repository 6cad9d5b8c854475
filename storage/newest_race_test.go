package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestNewestRace (I8): readers ask for a room's newest page all the time, and keep
// it with its marks, while commits add to it and amend it in every way. Each page
// is one that the room had, whole, when it was asked for or later: never older
// than a commit that had returned, never half of one.
func TestNewestRace(t *testing.T) {
	s, err := Open("data", Options{FS: vfs.NewMem(), Memory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &roomRace{t: t, s: s, room: engine.ID{1}, me: engine.ID{2}, other: engine.ID{3}, read: make(chan struct{}, 1), rng: rand.New(rand.NewPCG(*firstSeed, 5))}
	r.stamps = [2]engine.Stamp{1_700_000_000_000 << 16, 1_700_000_000_000 << 16}
	for range 30 {
		r.commit(r.post(0, ""))
	}
	var wg sync.WaitGroup
	readers := []*raceReader{{roomRace: r, who: engine.ID{}}, {roomRace: r, who: r.me}, {roomRace: r, who: r.other}}
	var leave context.CancelFunc
	r.gone, leave = context.WithCancel(t.Context())
	defer leave()
	for _, reader := range readers {
		wg.Go(func() { defer leave(); reader.run() })
	}
	for range 1000 / slow {
		if t.Failed() {
			break
		}
		r.step()
		for range r.rng.IntN(4) {
			select {
			case <-r.read:
			case <-r.gone.Done():
			}
		}
	}
	r.stop.Store(true)
	wg.Wait()
	pages, kept := 0, 0
	for _, reader := range readers {
		for _, p := range reader.pending {
			r.check(p)
		}
		pages, kept = pages+reader.pages, kept+reader.kept
	}
	m := s.Metrics()
	t.Logf("%d pages, %d kept ones with fresh marks; %d hits, %d extensions, %d misses", pages, kept, m.PageHits, m.PageExtensions, m.PageMisses)
	if kept == 0 || m.PageHits == 0 || m.PageExtensions == 0 {
		t.Error("the test attacks nothing")
	}
}

const raceLimit = 20

// roomRace is a room and all the states it has had.
type roomRace struct {
	t         *testing.T
	s         *Store
	room      engine.ID
	me, other engine.ID
	rng       *rand.Rand
	seqs      [2]uint64
	stamps    [2]engine.Stamp // of two origins; the second is behind
	recent    []engine.ID
	nonces    int
	unmet     string // a nonce that the first origin has used and the second has not yet

	mu     sync.Mutex
	states []map[engine.ID][]byte // by reader, after each commit
	floor  atomic.Int64           // the last commit that has returned
	stop   atomic.Bool
	read   chan struct{}   // a page has been read: the writer waits for some, so that commits and pages take turns
	gone   context.Context // one of the readers has left
}

func (r *roomRace) event(origin int, kind engine.Kind, user engine.ID, payload any) *engine.Event {
	r.seqs[origin]++
	r.stamps[origin] += 1 << 16
	e := &engine.Event{
		Origin: engine.Origin(7 + origin), Seq: r.seqs[origin], Stamp: r.stamps[origin],
		Kind: kind, Room: r.room, User: user, Payload: payload,
	}
	var err error
	if e.Data, err = r.s.EncodePayload(payload); err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *roomRace) post(origin int, nonce string) *engine.Event {
	if origin == 1 { // between the last two or three
		r.stamps[1] = max(r.stamps[1], r.stamps[0]-engine.Stamp(r.rng.IntN(3))<<16-1<<15)
	}
	e := r.event(origin, engine.KindPosted, r.other, &engine.Posted{Body: fmt.Sprint("post ", len(r.recent)), Nonce: nonce})
	r.recent = append(r.recent, e.ID())
	return e
}

func (r *roomRace) target() engine.ID { return r.recent[len(r.recent)-1-r.rng.IntN(raceLimit)] }

// step commits one change or two, mostly a post at the end.
func (r *roomRace) step() {
	events := []*engine.Event{r.change()}
	if r.rng.IntN(4) == 0 {
		events = append(events, r.post(0, ""))
	}
	r.commit(events...)
}

func (r *roomRace) change() *engine.Event {
	switch n := r.rng.IntN(100); {
	case n < 8:
		return r.event(0, engine.KindEdited, r.other, &engine.Edited{Message: r.target(), Body: fmt.Sprint("edit ", n, r.seqs[0])})
	case n < 11:
		return r.event(0, engine.KindDeleted, r.other, &engine.Deleted{Message: r.target()})
	case n < 22:
		return r.event(0, engine.KindReacted, r.me, &engine.Reacted{Message: r.target(), Emoji: worldEmoji[n%2], Remove: n < 14})
	case n < 28:
		return r.event(0, engine.KindReacted, r.other, &engine.Reacted{Message: r.target(), Emoji: worldEmoji[n%2], Remove: n < 24})
	case n < 36:
		return r.post(1, "")
	case n < 44 && r.unmet == "":
		r.nonces++
		r.unmet = fmt.Sprint("nonce ", r.nonces)
		return r.post(0, r.unmet)
	case n < 44: // the same nonce, posted a little earlier elsewhere, hides it
		nonce := r.unmet
		r.unmet = ""
		return r.post(1, nonce)
	}
	return r.post(0, "")
}

// commit makes a batch, and notes what the room is after it before it counts as done.
func (r *roomRace) commit(events ...*engine.Event) {
	tx, err := r.s.Begin()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range events {
		if _, _, err := tx.Append(e); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		r.t.Fatal(err)
	}
	state := map[engine.ID][]byte{}
	for _, reader := range []engine.ID{{}, r.me, r.other} {
		state[reader], _ = uncached(r.t, r.s, r.room, raceLimit, reader)
	}
	r.mu.Lock()
	r.states = append(r.states, state)
	r.mu.Unlock()
	r.floor.Store(int64(len(r.states)) - 1)
}

// seenPage is a page that somebody got, between two commits.
type seenPage struct {
	who      engine.ID
	json     []byte
	from, to int64
}

// raceReader asks again and again. It belongs to one goroutine.
type raceReader struct {
	*roomRace
	who         engine.ID
	pages, kept int
	pending     []seenPage
}

func (r *raceReader) run() {
	amended, content := engine.About(engine.AboutAmended, r.room, engine.ID{}), engine.About(engine.AboutContent, r.room, engine.ID{})
	var marks [2]engine.Mark
	var last []byte
	for ; !r.stop.Load() && !r.t.Failed(); runtime.Gosched() { // the writer needs its turn, too
		from := r.floor.Load()
		if last != nil && r.s.Fresh(marks[:]...) {
			r.kept++
			r.see(seenPage{r.who, last, from, r.floor.Load()})
		}
		from = r.floor.Load()
		marks = [2]engine.Mark{r.s.Mark(amended), r.s.Mark(content)}
		p, err := r.s.Newest(r.room, raceLimit, r.who)
		if err != nil {
			r.t.Error(err)
			return
		}
		r.pages++
		last = p.JSON
		r.see(seenPage{r.who, p.JSON, from, r.floor.Load()})
		select {
		case r.read <- struct{}{}:
		default:
		}
	}
}

// see checks a page now, or at the end if it may show a commit that has not returned yet.
func (r *raceReader) see(p seenPage) {
	r.mu.Lock()
	states := r.states[p.from : p.to+1]
	r.mu.Unlock()
	for _, state := range states {
		if bytes.Equal(state[p.who], p.json) {
			return
		}
	}
	r.pending = append(r.pending, p)
}

// check looks for a page among the states it may show. What is the reader's own is
// read after the page itself, by History too, and may be of a later one of them.
func (r *roomRace) check(p seenPage) {
	r.t.Helper()
	states := r.states[p.from:min(p.to+2, int64(len(r.states)))]
	whole := false
	own := map[string]bool{}
	for _, state := range states {
		if bytes.Equal(state[p.who], p.json) {
			return
		}
		whole = whole || bytes.Equal(nobodys(state[p.who]), nobodys(p.json))
		for _, k := range reactionsOf(r.t, state[p.who]) {
			own[k] = true
		}
	}
	if !whole {
		r.t.Errorf("I8: %s got a page that is none of %d to %d:\n%s\nthe first and the last of them\n%s\n%s",
			p.who, p.from, p.to+1, p.json, states[0][p.who], states[len(states)-1][p.who])
		return
	}
	for _, k := range reactionsOf(r.t, p.json) {
		if !own[k] {
			r.t.Errorf("I8: %s got %s, which was not so from %d to %d", p.who, k, p.from, p.to+1)
		}
	}
}

func nobodys(page []byte) []byte {
	return bytes.ReplaceAll(page, []byte(`"me":true`), []byte(`"me":false`))
}

// reactionsOf lists which reactions a page shows as the reader's and which not.
func reactionsOf(t *testing.T, page []byte) (list []string) {
	var p engine.Page
	if err := json.Unmarshal(page, &p); err != nil {
		t.Fatal(err)
	}
	for _, m := range p.Items {
		for _, c := range m.Reactions {
			list = append(list, fmt.Sprint(m.ID, c.Emoji, c.Me))
		}
	}
	return list
}

// TestNewestInFlight (I8): a batch that amends a message and posts another can be
// seen before it is synced, and before its marks move. A page that is extended
// just then shows both or neither.
func TestNewestInFlight(t *testing.T) {
	var armed atomic.Bool
	release := make(chan struct{})
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed.Load() && isJournal(op.Path) && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
			<-release
		}
		return nil
	}))
	s := openMem(t, fs)
	defer s.Close()
	w := newWriter(t, s)
	room, user := engine.ID{1}, engine.ID{2}
	first := w.event(engine.KindPosted, room, user, &engine.Posted{Body: "before"})
	w.append(first)
	checkNewest(t, s, room, nil, 50)
	s.cache.entries.Wait()
	edit := w.event(engine.KindEdited, room, user, &engine.Edited{Message: first.ID(), Body: "after"})
	post := w.event(engine.KindPosted, room, user, &engine.Posted{Body: "second"})
	armed.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() { w.append(edit, post) })
	for {
		if _, p := uncached(t, s, room, 50, user); len(p.Items) == 2 {
			break
		}
		runtime.Gosched()
	}
	marks := s.Mark(engine.About(engine.AboutContent, room, engine.ID{}))
	for range 2 {
		// The room's content has not moved, so what was kept still counts, or is read anew.
		got, err := s.Newest(room, 50, user)
		if err != nil {
			t.Fatal(err)
		}
		old, next := bytes.Contains(got.JSON, []byte("before")), bytes.Contains(got.JSON, []byte("second"))
		if old == next {
			t.Errorf("I8: half of a batch: %s", got.JSON)
		}
		s.cache.raise(s.cache.shard(new(engine.About(engine.AboutContent, room, engine.ID{})))) // as another room's post may
	}
	if s.Fresh(marks) {
		t.Error("the test does not extend the page")
	}
	close(release)
	wg.Wait()
	checkNewest(t, s, room, []engine.ID{user}, 50)
}
