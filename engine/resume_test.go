package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// follower is a user's client that loses its connection again and again and
// keeps a picture of all messages, drawn from what it was sent alone.
type follower struct {
	who    *engine.Identity
	wire   engine.Wire
	rng    *rand.Rand
	live   *client
	cursor string
	seen   map[engine.ID]*picture
	times  map[engine.ID]int // frames of type message, by id
}

type picture struct {
	body    string
	deleted bool
	gone    bool // left the views as a duplicate
}

func newFollower(who *engine.Identity, seed uint64) *follower {
	return &follower{who: who, wire: plain{}, rng: rand.New(rand.NewPCG(seed, 5)), seen: map[engine.ID]*picture{}, times: map[engine.ID]int{}}
}

// hop ends the connection, if there is one, at whatever it has received, and connects to a node.
func (f *follower) hop(n *node) {
	f.drop()
	f.live = n.connectOver(f.wire, f.who, f.cursor)
}

func (f *follower) drop() {
	if f.live == nil {
		return
	}
	f.live.session.Close()
	// What a broken connection delivered is a prefix of what was sent.
	all := f.live.all()
	keep := all[:f.rng.IntN(len(all)+1)]
	for _, v := range keep {
		f.take(v)
	}
	f.live = nil
}

func (f *follower) take(v notice) {
	if v.Cursor != "" {
		f.cursor = v.Cursor
	}
	p := f.seen[v.ID]
	if p == nil {
		p = &picture{}
	}
	switch v.Type {
	case "message":
		f.times[v.ID]++
		*p = picture{body: v.Body, deleted: v.Deleted || p.deleted}
	case "message_edited":
		p.body = v.Body
	case "message_deleted":
		p.deleted, p.gone = p.deleted || !v.Duplicate, v.Duplicate
	default:
		return
	}
	if p.deleted {
		p.body = ""
	}
	f.seen[v.ID] = p
}

// check holds the picture against a node's history.
func (f *follower) check(t *testing.T, n *node, rooms []engine.ID) {
	t.Helper()
	visible := 0
	for _, room := range rooms {
		var before engine.ID
		for {
			page, err := n.History(f.who, room, engine.Range{Before: before, Limit: engine.MaxPage})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Items {
				visible++
				p := f.seen[m.ID]
				switch {
				case p == nil || p.gone:
					t.Errorf("message %s %q was never delivered", m.ID, m.Body)
				case p.body != m.Body || p.deleted != m.Deleted:
					t.Errorf("message %s is %q (deleted %v), the client thinks %q (%v)", m.ID, m.Body, m.Deleted, p.body, p.deleted)
				}
			}
			if page.Prev == nil {
				break
			}
			before = *page.Prev
		}
	}
	known := 0
	for _, p := range f.seen {
		if !p.gone {
			known++
		}
	}
	if known != visible {
		t.Errorf("the client knows %d messages, the node %d", known, visible)
	}
}

// traffic posts, edits, deletes and reacts at random on any of the nodes.
type traffic struct {
	t     *testing.T
	rng   *rand.Rand
	nodes []*node
	who   []*engine.Identity
	rooms [][]engine.ID // of each user
	mine  []engine.Message
}

func (x *traffic) step(number int) {
	n := x.nodes[x.rng.IntN(len(x.nodes))]
	i := x.rng.IntN(len(x.who))
	who, rooms := x.who[i], x.rooms[i]
	room := rooms[x.rng.IntN(len(rooms))]
	var err error
	switch op := x.rng.IntN(10); {
	case op < 6 || len(x.mine) == 0:
		var m engine.Message
		m, _, err = n.Post(bg, who, engine.NewMessage{Room: room, Body: fmt.Sprint("message ", number), Nonce: fmt.Sprint("n", x.rng.IntN(400))})
		x.mine = append(x.mine, m)
	case op < 8:
		m := x.mine[x.rng.IntN(len(x.mine))]
		_, _, err = n.Edit(bg, &engine.Identity{User: m.User}, m.Room, m.ID, fmt.Sprint("edit ", number))
	case op < 9:
		m := x.mine[x.rng.IntN(len(x.mine))]
		if !slices.Contains(rooms, m.Room) {
			who = &engine.Identity{User: m.User}
		}
		_, err = n.React(bg, who, m.Room, m.ID, "👍", x.rng.IntN(2) == 0)
	default:
		m := x.mine[x.rng.IntN(len(x.mine))]
		_, err = n.Delete(bg, &engine.Identity{User: m.User}, m.Room, m.ID)
	}
	// A message may be deleted, hidden as a duplicate, or not yet here.
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		x.t.Errorf("step %d: %v", number, err)
	}
}

// I5 on one node, with the ring as it is and with one so small that the log serves nearly every resume.
func TestI5ResumeOnOneNode(t *testing.T) {
	for _, ring := range []int{8192, 3} {
		t.Run(fmt.Sprint("ring ", ring), func(t *testing.T) {
			n := openNode(t)
			n.ShrinkRing(ring)
			resumeRun(t, []*node{n}, 1500, uint64(ring))
		})
	}
}

// I3, I5, I7, I8 on three nodes that hand each other their logs while clients hop
// between them with their cursors: with peers that say what is still to come, and with
// some that expect nothing, so that sessions begin without the tail that they have seen.
func TestI5ResumeOnAnyNode(t *testing.T) {
	for _, expected := range []bool{true, false} {
		t.Run(fmt.Sprint("expected ", expected), func(t *testing.T) {
			var nodes []*node
			var all []*peers
			for range 3 {
				p := newPeers()
				nodes, all = append(nodes, openNode(t, p.with)), append(all, p)
			}
			for i := range nodes {
				nodes[i].ShrinkRing(50)
				for _, n := range nodes {
					all[i].expected[n.store.Origin()] = expected
				}
			}
			resumeRun(t, nodes, 800, 9)
		})
	}
}

func resumeRun(t *testing.T, nodes []*node, steps int, seed uint64) {
	first := nodes[0]
	var who []*engine.Identity
	for i := range 4 {
		who = append(who, first.user(fmt.Sprint("user-", i)))
	}
	// A repeated nonce may cross from a room that a follower is in to one that he is not in.
	one, two, three := first.room("one", who...), first.room("two", who[0], who[1]), first.room("three", who[0], who[2])
	rooms := [][]engine.ID{{one, two, three}, {one, two}, {one, three}, {one}}
	gossip(t, nodes)
	stop, silent := make(chan struct{}), make(chan struct{})
	var hopping, gossiping sync.WaitGroup
	gossiping.Go(func() {
		for {
			select {
			case <-silent:
				return
			default:
				gossip(t, nodes)
			}
		}
	})
	var followers []*follower
	for i, w := range who {
		f := newFollower(w, seed+uint64(i))
		if i%2 == 0 { // they take the cursor of any frame
			f.wire = stamped{}
		}
		f.cursor = first.Position().String()
		followers = append(followers, f)
		hopping.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f.hop(nodes[f.rng.IntN(len(nodes))])
				}
			}
		})
	}
	x := &traffic{t: t, rng: rand.New(rand.NewPCG(seed, 1)), nodes: nodes, who: who, rooms: rooms}
	for i := range steps {
		x.step(i)
	}
	close(stop)
	hopping.Wait() // who hops may wait for what only gossip brings
	close(silent)
	gossiping.Wait()
	end := first.post(who[0], one, "the end")
	for gossip(t, nodes) > 0 {
	}
	for i, f := range followers {
		f.finish(t, nodes[i%len(nodes)], end.ID)
	}
	for i, f := range followers {
		f.check(t, nodes[(i+1)%len(nodes)], rooms[i])
	}
	for _, n := range nodes {
		if s := n.Stats(); s.Resets > 0 {
			t.Errorf("%d resets", s.Resets)
		}
	}
}

// finish connects once more and reads until it has the last message and a
// checkpoint: everything missed lies before that.
func (f *follower) finish(t *testing.T, n *node, end engine.ID) {
	f.hop(n)
	if f.seen[end] == nil {
		f.live.await("end", is("message", end))
	}
	f.live.await("checkpoint", func(v notice) bool { return v.Type == "checkpoint" })
	f.live.session.Close()
	for _, v := range f.live.all() {
		f.take(v)
		if v.Type == "reset" {
			t.Errorf("reset: %s", v.Reason)
		}
	}
}

// gossip hands every node what the others have and it lacks, through the bytes
// that a link would carry. It returns how many events moved.
func gossip(t *testing.T, nodes []*node) (moved int) {
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				moved += hand(t, from, to)
			}
		}
	}
	return moved
}

func hand(t *testing.T, from, to *node) (moved int) {
	have := to.store.Position()
	var events []*engine.Event
	for origin, seq := range from.store.Position().All() {
		for le, err := range from.store.Events(origin, have.Seq(origin), seq) {
			if err != nil {
				t.Fatal(err)
			}
			ev, err := le.Load()
			if err != nil {
				t.Fatal(err)
			}
			b, _ := ev.AppendBinary(nil)
			if ev, err = engine.ParseEvent(b); err == nil {
				err = to.store.DecodePayload(ev)
			}
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, ev)
		}
	}
	if len(events) == 0 {
		return 0
	}
	if _, err := to.Apply(bg, events); err != nil {
		t.Fatal(err)
	}
	return len(events)
}

// I2: a gap is refused, a repeat changes nothing, and what came before the gap is kept.
func TestI2ApplyRefusesGaps(t *testing.T) {
	a, b := openNode(t), openNode(t)
	ann := a.user("ann")
	room := a.room("general", ann)
	for i := range 10 {
		a.post(ann, room, fmt.Sprint(i))
	}
	var events []*engine.Event
	origin := a.store.Origin()
	for le, err := range a.store.Events(origin, 0, a.store.Position().Seq(origin)) {
		if err != nil {
			t.Fatal(err)
		}
		ev, err := le.Load()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	if _, err := b.Apply(bg, events[1:]); !errors.Is(err, engine.ErrGap) {
		t.Errorf("apply from the second event: %v", err)
	}
	if b.Position().Seq(origin) != 0 {
		t.Error("something was kept")
	}
	gapped := append(append([]*engine.Event{}, events[:3]...), events[4:]...)
	if _, err := b.Apply(bg, gapped); !errors.Is(err, engine.ErrGap) || b.Position().Seq(origin) != 3 {
		t.Errorf("apply with a gap: %v, position %d", err, b.Position().Seq(origin))
	}
	for range 2 {
		if _, err := b.Apply(bg, events); err != nil || b.Position().Seq(origin) != uint64(len(events)) {
			t.Errorf("apply all: %v, position %d", err, b.Position().Seq(origin))
		}
	}
	page, err := b.store.History(room, engine.Range{Limit: 50}, engine.ID{})
	if err != nil || len(page.Items) != 10 {
		t.Errorf("history has %d messages, %v", len(page.Items), err)
	}
	// I4: what this node writes after seeing them sorts after them.
	bob := b.user("bob")
	if _, _, err := b.Join(bg, bob, room); err != nil {
		t.Fatal(err)
	}
	if m := b.post(bob, room, "after"); m.ID.String() <= page.Items[9].ID.String() {
		t.Errorf("%s sorts before %s", m.ID, page.Items[9].ID)
	}
}

func TestI5CursorsThatCannotBeServed(t *testing.T) {
	n := openNode(t, func(c *engine.Config) { c.ResumeLimit = 20 })
	ann := n.user("ann")
	room := n.room("general", ann)
	old := n.Position().String()
	for i := range 30 {
		n.post(ann, room, fmt.Sprint(i))
	}
	recent := n.Position().String()
	future := n.Position().With(99, 7).String()
	for _, c := range []struct {
		cursor string
		reset  bool
	}{{old, true}, {"garbage", true}, {future, true}, {recent, false}, {"", false}} {
		start := time.Now()
		cl := n.connect(ann, c.cursor)
		var ready, reset bool
		for _, v := range cl.all() {
			ready = ready || v.Type == "ready" && v.Resumed == (!c.reset && c.cursor != "")
			reset = reset || v.Type == "reset" && v.Reason != ""
		}
		if !ready || reset != c.reset || time.Since(start) > patience {
			t.Errorf("cursor %q: ready %v, reset %v: %+v", c.cursor, ready, reset, cl.all())
		}
		cl.await("live", is("message", n.post(ann, room, "live").ID))
	}
}

// I9: a replay tells nothing of a room to one who made it and is no longer in it.
func TestI9ResumeKeepsLostRoomsShut(t *testing.T) {
	n := openNode(t)
	n.ShrinkRing(1)
	ann, bob := n.user("ann"), n.user("bob")
	cursor := n.Position().String()
	r, _, err := n.CreateRoom(bg, ann, engine.NewRoom{Name: "club", Private: true})
	if err == nil {
		_, err = n.SetMember(bg, ann, r.ID, bob.User, engine.RoleOwner)
	}
	if err == nil {
		_, err = n.RemoveMember(bg, bob, r.ID, ann.User)
	}
	if err == nil {
		name := "surprise-for-ann"
		_, _, err = n.UpdateRoom(bg, bob, r.ID, engine.RoomChange{Name: &name})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range n.connect(ann, cursor).all() {
		if v.Name != "" {
			t.Errorf("ann was told %+v", v)
		}
	}
}

// external lets nodes make users, and their room, on first sight.
func external(room string) func(*engine.Config) {
	return func(c *engine.Config) {
		c.External = func(token string) (engine.ExternalUser, error) {
			return engine.ExternalUser{Username: token, Rooms: []string{room}}, nil
		}
	}
}

func (n *node) foreigner(name string) *engine.Identity {
	n.t.Helper()
	who, err := n.Authenticate(bg, name)
	if err != nil {
		n.t.Fatal(err)
	}
	return who
}

// I9: that a room was made with somebody, told late, lets nobody in who has left since.
func TestI9LateCreationLetsNobodyIn(t *testing.T) {
	a, b := openNode(t, external("club")), openNode(t, external("club"))
	a.foreigner("eve") // a makes the room with eve, b with bob
	bob, eve := b.foreigner("bob"), b.foreigner("eve")
	room, err := b.FindRoom("club")
	if err == nil {
		_, err = b.Leave(bg, eve, room)
	}
	if err != nil {
		t.Fatal(err)
	}
	e := b.connect(eve, "")
	hand(t, a, b)
	b.post(bob, room, "secret")
	for _, v := range e.all() {
		if v.Body == "secret" {
			t.Errorf("eve, who left, was told %+v", v)
		}
	}
}

// I5: who joined a room before its creation came hears of it when that comes.
func TestI5RoomJoinedBeforeItsCreationCame(t *testing.T) {
	a, b, c := openNode(t), openNode(t), openNode(t)
	ann, bob := a.user("ann"), b.user("bob")
	room := a.room("general", ann)
	hand(t, a, b)
	if _, _, err := b.Join(bg, bob, room); err != nil {
		t.Fatal(err)
	}
	before := c.Position().String()
	handOf(t, b, c, b.store.Origin())
	live := c.connect(bob, "")
	hand(t, a, c)
	m := a.post(ann, room, "hello")
	hand(t, a, c)
	c.ShrinkRing(1)
	c.post(bob, room, "the ring forgets")
	for what, cl := range map[string]*client{"live": live, "replay": c.connect(bob, before)} {
		made, said := false, false
		for _, v := range cl.all() {
			made = made || v.Type == "room_created" && v.Name == "general"
			said = said || v.ID == m.ID
		}
		if !made || !said {
			t.Errorf("%s: room told %v, message told %v", what, made, said)
		}
	}
}

// handOf hands over the events of one origin.
func handOf(t *testing.T, from, to *node, origin engine.Origin) {
	var events []*engine.Event
	for le, err := range from.store.Events(origin, to.Position().Seq(origin), from.Position().Seq(origin)) {
		if err != nil {
			t.Fatal(err)
		}
		ev, err := le.Load()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	if _, err := to.Apply(bg, events); err != nil {
		t.Fatal(err)
	}
}

// I3: a read marker set behind the one that won is told as the one that won, live and again.
func TestI3ReadMarkersNeverGoBack(t *testing.T) {
	a, b := openNode(t), openNode(t)
	ann := a.user("ann")
	room := a.room("general", ann)
	first, second := a.post(ann, room, "first"), a.post(ann, room, "second")
	cursor := a.Position().String()
	hand(t, a, b)
	if _, err := a.MarkRead(bg, ann, room, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.MarkRead(bg, ann, room, first.ID); err != nil {
		t.Fatal(err)
	}
	live := a.connect(ann, "")
	hand(t, b, a)
	a.ShrinkRing(1)
	a.post(ann, room, "the ring forgets")
	for what, c := range map[string]*client{"live": live, "replay": a.connect(ann, cursor)} {
		c.await("marker", is("read", second.ID))
		for _, v := range c.all() {
			if v.Type == "read" && v.ID != second.ID {
				t.Errorf("%s: ann was told %+v", what, v)
			}
		}
	}
}

// queue is a client that knows how much waited for it at most.
type queue struct {
	*client
	bytes, most int
}

func (q *queue) Send(frame []byte) {
	q.bytes += len(frame)
	q.most = max(q.most, q.bytes)
	q.client.Send(frame)
}

func (q *queue) Drained(context.Context) error {
	q.bytes = 0
	return nil
}

// I5, I6: bodies that grow when they are encoded do not make the ring overrun a queue.
func TestI5RingFitsTheQueue(t *testing.T) {
	n := openNode(t)
	ann := n.user("ann")
	room := n.room("general", ann)
	cursor := n.Position().String()
	for range 15 {
		n.post(ann, room, "x"+strings.Repeat("\x01", 16000)) // \u0001 in JSON
	}
	q := &queue{client: newClient(t)}
	s, err := n.Connect(bg, ann, q, plain{}, cursor)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if q.most > 512<<10 {
		t.Errorf("%d bytes were queued at once", q.most)
	}
}
