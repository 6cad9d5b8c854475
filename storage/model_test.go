package storage

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine"
)

var (
	histories = flag.Int("storage.histories", 200/slow, "how many random histories the model test runs")
	rounds    = flag.Int("storage.rounds", 60/slow, "how many rounds each crash test runs")
	firstSeed = flag.Uint64("storage.seed", 0, "the first history's seed")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openMem(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open("data", Options{FS: fs, Memory: minMemory})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestModel (I2, I3): stores that apply the same events in different orders end
// up the same to the byte, and answer as the oracle does.
func TestModel(t *testing.T) {
	for i := range *histories {
		if s := *firstSeed + uint64(i); !t.Run(fmt.Sprint(s), func(t *testing.T) { runHistory(t, s) }) {
			return
		}
	}
}

func runHistory(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	w := newWorld(seed, 3+rng.IntN(3), 30+rng.IntN(90), 0)
	var nodes []*node
	for i := range 3 {
		s := openMem(t, vfs.NewMem())
		defer s.Close()
		nodes = append(nodes, &node{t: t, s: s, w: w, rng: rand.New(rand.NewPCG(seed, uint64(10+i)))})
	}
	middle := engine.Position{}
	for _, o := range w.origins {
		middle = middle.With(o, uint64(rng.IntN(len(w.logs[o])+1)))
	}
	for _, target := range []engine.Position{middle, w.end()} {
		for _, n := range nodes {
			n.applyTo(target)
		}
		o := newOracle(w.upTo(target))
		dump := nodes[0].dump()
		for i, n := range nodes {
			if got := n.dump(); got != dump {
				t.Fatalf("node %d differs from node 0:\n%s", i, firstDifference(dump, got))
			}
			(&check{t: t, s: n.s, o: o, w: w, rng: n.rng}).all()
		}
		nodes[rng.IntN(len(nodes))].checkLog(target)
	}
}

func (w *world) end() (pos engine.Position) {
	for _, o := range w.origins {
		pos = pos.With(o, uint64(len(w.logs[o])))
	}
	return pos
}

func (w *world) upTo(pos engine.Position) (events []*engine.Event) {
	for _, e := range w.all {
		if e.Seq <= pos.Seq(e.Origin) {
			events = append(events, e)
		}
	}
	return events
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return "one is longer"
}

// node applies a world's events in an order of its own.
type node struct {
	t   testing.TB
	s   *Store
	w   *world
	rng *rand.Rand
}

func (n *node) dump() string {
	var b bytes.Buffer
	if err := n.s.Dump(&b); err != nil {
		n.t.Fatal(err)
	}
	return b.String()
}

func (n *node) applyTo(target engine.Position) {
	for !n.s.Position().Covers(target) {
		tx, err := n.s.Begin()
		if err != nil {
			n.t.Fatal(err)
		}
		pos := n.s.Position()
		for range 1 + n.rng.IntN(20) {
			pos = n.appendOne(tx, pos, target)
		}
		if n.rng.IntN(10) == 0 {
			n.checkInside(tx, pos)
		}
		if n.rng.IntN(10) == 0 {
			tx.Discard()
			continue
		}
		if err := tx.Commit(); err != nil {
			n.t.Fatal(err)
		}
		if !n.s.Position().Equal(pos) {
			n.t.Fatalf("I2: position is not what was appended")
		}
	}
}

// appendOne appends the next event of some origin, and now and then a repeat or one too far ahead.
func (n *node) appendOne(tx engine.Tx, pos, target engine.Position) engine.Position {
	o := n.w.origins[n.rng.IntN(len(n.w.origins))]
	seq := pos.Seq(o)
	if seq > 0 && n.rng.IntN(8) == 0 {
		n.expect(tx, n.w.logs[o][n.rng.Uint64N(seq)], false, nil)
	}
	if int(seq)+1 < len(n.w.logs[o]) && n.rng.IntN(8) == 0 {
		n.expect(tx, n.w.logs[o][seq+1], false, engine.ErrGap)
	}
	if seq >= target.Seq(o) {
		return pos
	}
	n.expect(tx, n.w.logs[o][seq], true, nil)
	return pos.With(o, seq+1)
}

func (n *node) expect(tx engine.Tx, e *engine.Event, applied bool, want error) {
	n.t.Helper()
	c := *e
	if got, _, err := tx.Append(&c); got != applied || !errors.Is(err, want) {
		n.t.Fatalf("I2: append %s/%d: applied %v, %v; want %v, %v", e.Origin, e.Seq, got, err, applied, want)
	}
}

// checkInside compares what a batch sees of itself with the oracle.
func (n *node) checkInside(tx engine.Tx, pos engine.Position) {
	o := newOracle(n.w.upTo(pos))
	c := &check{t: n.t, s: n.s, o: o, w: n.w, rng: n.rng}
	c.users(tx, tx)
	c.rooms(tx)
	c.secrets(tx)
	for _, room := range o.roomIDs() {
		c.eachMessage(tx, room)
	}
	c.nonces(tx)
}

// checkLog reads the log back (I2): every event once, byte for byte.
func (n *node) checkLog(target engine.Position) {
	for o, last := range target.All() {
		seq := uint64(0)
		for e, err := range n.s.Events(o, 0, last) {
			if err != nil {
				n.t.Fatal(err)
			}
			seq++
			got, err := e.Load()
			want := n.w.logs[o][seq-1]
			if err != nil || e.Seq != seq || e.Stamp != want.Stamp || e.Kind != want.Kind || e.Room != want.Room {
				n.t.Fatalf("I2: log entry %s/%d: %+v, %v", o, seq, e, err)
			}
			a, _ := got.AppendBinary(nil)
			b, _ := want.AppendBinary(nil)
			if !bytes.Equal(a, b) {
				n.t.Fatalf("I2: log entry %s/%d:\n%x\n%x", o, seq, a, b)
			}
			if raw, err := e.AppendBinary(nil); err != nil || !bytes.Equal(raw, b) {
				n.t.Fatalf("I2: log entry %s/%d undecoded:\n%x\n%x, %v", o, seq, raw, b, err)
			}
		}
		if seq != last {
			n.t.Fatalf("I2: log of %s ends at %d, not %d", o, seq, last)
		}
	}
}

// check compares a store's answers with the oracle's.
type check struct {
	t   testing.TB
	s   *Store
	o   *oracle
	w   *world
	rng *rand.Rand
}

func (c *check) same(what string, got, want any, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(got, want) {
		c.t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// found checks that an answer is there exactly when it should be.
func (c *check) found(what string, want bool, err error) bool {
	c.t.Helper()
	if want && err != nil || !want && !errors.Is(err, engine.ErrNotFound) {
		c.t.Fatalf("%s: found %v, err %v", what, want, err)
	}
	return want
}

func (c *check) all() {
	c.users(c.s, c.s)
	c.rooms(c.s)
	c.secrets(c.s)
	c.nonces(c.s)
	for _, room := range c.o.roomIDs() {
		c.eachMessage(c.s, room)
		c.history(room)
		c.members(room)
	}
	c.conflicts()
	c.roomOf()
	c.unread()
	c.roomsOf()
	c.publicRooms()
	c.registry()
}

func (c *check) users(r engine.Reader, s engine.Secrets) {
	ids := c.o.userIDs()
	names := c.o.shownNames(ids, c.o.user)
	admin, admins := false, 0
	for _, id := range ids {
		want := c.o.user(id)
		u, err := r.User(id)
		if !c.found("user", want.made, err) {
			continue
		}
		role := "user"
		if want.admin {
			role, admin = "admin", true
			if !want.disabled {
				admins++
			}
		}
		c.same("user", u, engine.User{ID: id, Username: names[id], DisplayName: want.display, Role: role, Bot: want.bot}, nil)
		phc, changed, err := s.Credentials(id)
		c.same("credentials", []any{phc, changed}, []any{want.phc, want.changed}, err)
		st, err := s.Standing(id)
		c.same("standing", st, engine.Standing{Disabled: want.disabled, Deleted: !want.ended.IsZero()}, err)
	}
	active, err := s.Admins()
	c.same("admins", active, admins, err)
	has, err := s.HasAdmin()
	c.same("has admin", has, admin, err)
	c.named("user", names, r.UserNamed)
}

// named checks that each shown name leads back, and each name that nobody has to nobody.
func (c *check) named(what string, names map[engine.ID]string, find func(string) (engine.ID, error)) {
	taken := map[string]engine.ID{}
	for id, name := range names {
		taken[name] = id
	}
	for _, name := range worldNames[:5] {
		id, err := find(name)
		if want, ok := taken[name]; c.found(what+" named "+name, ok, err) {
			c.same(what+" named", id, want, nil)
		}
		delete(taken, name)
	}
	for name, want := range taken {
		id, err := find(name)
		c.same(what+" named "+name, id, want, err)
	}
}

// conflicts checks the list of names with more than one claim.
func (c *check) conflicts() {
	want := append(c.o.conflicts("user", c.o.userIDs(), c.o.user), c.o.conflicts("room", c.o.roomIDs(), c.o.room)...)
	got, err := c.s.Conflicts(1000)
	c.same("I3: conflicts", got, want, err)
	if len(want) > 1 {
		got, err = c.s.Conflicts(1)
		c.same("I3: conflicts, at most one", got, want[:1], err)
	}
}

func (c *check) rooms(r engine.Reader) {
	ids := c.o.roomIDs()
	names := c.o.shownNames(ids, c.o.room)
	for _, id := range ids {
		want := c.o.room(id)
		exists, err := r.RoomExists(id)
		c.same("room exists", exists, want.createdOrEnded, err)
		got, err := r.Room(id)
		if c.found("room", want.made, err) {
			c.same("room", got, engine.Room{ID: id, Name: names[id], Topic: want.topic, Private: want.private, Direct: want.dir, Archived: want.archived, Members: len(c.o.members(id))}, nil)
		}
		for _, u := range c.w.users {
			role, err := r.Role(id, u)
			c.same("role", role, c.o.role(id, u), err)
		}
	}
	c.named("room", names, r.RoomNamed)
}

func (c *check) secrets(s engine.Secrets) {
	tokens, invites, keys := map[engine.ID]bool{}, map[engine.ID]bool{}, map[engine.Origin][]byte{}
	for _, e := range c.o.events {
		switch p := e.Payload.(type) {
		case *engine.TokenRevoked:
			tokens[p.Token] = true
		case *engine.UserCreated:
			invites[p.Invite] = true
		case *engine.NodeKey:
			keys[e.Origin] = p.Public
		}
	}
	for _, token := range c.w.tokens {
		revoked, err := s.TokenRevoked(token)
		c.same("token", revoked, tokens[token], err)
	}
	for _, user := range c.w.users {
		got, err := s.SignIns(user)
		c.same("sign-ins", got, c.o.signIns(user), err)
	}
	for i := range c.w.invites {
		used, err := s.InviteUsed(c.w.invites[i])
		c.same("invite", used, invites[c.w.invites[i]], err)
	}
	for _, o := range c.w.origins {
		k, err := s.NodeKey(o)
		if c.found("node key", keys[o] != nil, err) {
			c.same("node key", k, keys[o], nil)
		}
	}
}

func (c *check) nonces(r engine.Reader) {
	type key struct {
		user  engine.ID
		nonce string
	}
	hidden := c.o.hidden()
	visible, gone := map[key][]engine.MessageRef{}, map[key][]engine.MessageRef{}
	for _, e := range c.o.events {
		if p, ok := e.Payload.(*engine.Posted); ok && p.Nonce != "" {
			k, ref := key{e.User, p.Nonce}, engine.MessageRef{Room: e.Room, Message: e.ID()}
			if hidden[e.ID()] {
				gone[k] = append(gone[k], ref)
			} else {
				visible[k] = append(visible[k], ref)
			}
		}
	}
	for k, want := range visible {
		got, hid, err := r.Nonce(k.user, k.nonce)
		c.same("I7: nonce", got, want, err)
		c.same("I7: hidden by nonce", hid, gone[k], err)
	}
}

// eachMessage looks up every message that was ever posted to a room, seen or not.
func (c *check) eachMessage(r engine.Reader, room engine.ID) {
	reader := pick(c.w, c.w.users)
	want := map[engine.ID]engine.Message{}
	for _, m := range c.o.messages(room, reader) {
		want[m.ID] = m
	}
	for _, ref := range c.w.messages {
		if ref.Room != room {
			continue
		}
		got, err := r.Message(room, ref.Message, reader)
		m, ok := want[ref.Message]
		if c.found("message", ok, err) {
			c.same("message", got, m, nil)
		}
	}
}

// history asks for pages of all sorts.
func (c *check) history(room engine.ID) {
	reader := pick(c.w, c.w.users)
	all := c.o.messages(room, reader)
	c.pages("history", all, func(r engine.Range) (engine.Page, error) { return c.s.History(room, r, reader) })
	last, err := c.s.Last(room)
	want := engine.ID{}
	if n := len(all); n > 0 {
		want = all[n-1].ID
	}
	c.same("last", last, want, err)
	threads := map[engine.ID][]engine.Message{}
	for _, m := range all {
		if !m.ReplyTo.IsZero() {
			threads[m.ReplyTo] = append(threads[m.ReplyTo], m)
		}
	}
	for parent, replies := range threads {
		c.pages("replies", replies, func(r engine.Range) (engine.Page, error) { return c.s.Replies(room, parent, r, reader) })
	}
}

func (c *check) pages(what string, all []engine.Message, get func(engine.Range) (engine.Page, error)) {
	ranges := []engine.Range{{Limit: 200}, {Limit: 1 + c.rng.IntN(4)}}
	for range 3 {
		if len(c.w.messages) == 0 {
			break
		}
		id, limit := pick(c.w, c.w.messages).Message, 1+c.rng.IntN(5)
		ranges = append(ranges, engine.Range{Before: id, Limit: limit}, engine.Range{After: id, Limit: limit}, engine.Range{Around: id, Limit: limit})
	}
	for _, r := range ranges {
		got, err := get(r)
		c.same(fmt.Sprintf("%s %+v", what, r), got, pageOf(all, r), err)
	}
}

// pageOf cuts a page from the whole list.
func pageOf(all []engine.Message, r engine.Range) engine.Page {
	from, to := 0, len(all)
	at := func(id engine.ID) int {
		i, _ := slices.BinarySearchFunc(all, id, func(m engine.Message, id engine.ID) int { return m.ID.Compare(id) })
		return i
	}
	switch {
	case !r.After.IsZero():
		from = at(r.After)
		if from < len(all) && all[from].ID == r.After {
			from++
		}
		to = min(from+r.Limit, len(all))
	case !r.Around.IsZero():
		from = max(at(r.Around)-r.Limit/2, 0)
		to = min(at(r.Around)+r.Limit-r.Limit/2, len(all))
	default:
		if !r.Before.IsZero() {
			to = at(r.Before)
		}
		from = max(to-r.Limit, 0)
	}
	p := engine.Page{Items: append([]engine.Message{}, all[from:to]...)}
	switch {
	case from < to:
		if from > 0 {
			p.Prev = &all[from].ID
		}
		if to < len(all) {
			p.Next = &all[to-1].ID
		}
	case !r.After.IsZero() && at(r.After) > 0: // an empty page still tells what lies beside it
		p.Prev = &r.After
	case !r.Around.IsZero() && at(r.Around) > 0:
		p.Prev = &r.Around
	case !r.Before.IsZero() && slices.ContainsFunc(all, func(m engine.Message) bool { return m.ID.Compare(r.Before) > 0 }):
		p.Next = &r.Before
	}
	return p
}

func (c *check) members(room engine.ID) {
	var got []engine.Member
	var after engine.ID
	for {
		page, err := c.s.Members(room, after, 2)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1].ID
	}
	want := c.o.members(room)
	if len(got) != len(want) {
		c.t.Fatalf("members: %d, want %d", len(got), len(want))
	}
	for i, m := range got {
		c.same("member", []any{m.ID, m.RoomRole}, []any{want[i], c.o.role(room, want[i])}, nil)
	}
}

func (c *check) roomOf() {
	posted := map[engine.ID]bool{}
	for _, e := range c.o.events {
		posted[e.ID()] = e.Kind == engine.KindPosted
	}
	for _, ref := range c.w.messages {
		room, err := c.s.RoomOf(ref.Message)
		if c.found("room of", posted[ref.Message], err) {
			c.same("room of", room, ref.Room, nil)
		}
	}
	_, err := c.s.RoomOf(engine.ID{1})
	c.found("room of nothing", false, err)
}

func (c *check) unread() {
	for _, room := range c.o.roomIDs() {
		user := pick(c.w, c.w.users)
		got, err := c.s.Unread(room, user)
		c.same("unread", got, c.o.unread(room, user), err)
	}
}

func (c *check) roomsOf() {
	rooms := c.o.roomIDs()
	for _, user := range c.w.users {
		var want, got []engine.Membership
		for _, r := range rooms {
			if role := c.o.role(r, user); role != engine.RoleNone && c.o.room(r).made {
				want = append(want, engine.Membership{Room: r, Role: role})
			}
		}
		var after engine.ID
		for {
			page, err := c.s.RoomsOf(user, after, 2)
			if err != nil {
				c.t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].Room
		}
		c.same("rooms of", got, want, nil)
	}
}

func (c *check) publicRooms() {
	var got []engine.ID
	after := ""
	for {
		page, next, err := c.s.PublicRooms(after, 2)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, r := range page {
			got = append(got, r.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	want := c.o.publicRooms()
	c.same("public rooms", append([]engine.ID{}, got...), append([]engine.ID{}, want...), nil)
}
