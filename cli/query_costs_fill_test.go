package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// costSize is how much there is in a store.
type costSize struct{ rooms, messages, members int }

const (
	costUsers    = 100 // who write
	costList     = 200 // rooms of one user
	costListed   = 240 // rooms at least: more than a list of public ones shows
	costReplies  = 300 // of one thread
	costReactors = 100 // of one message
	costTaken    = 500 // reactions to another, all but one of them taken back
	costOwn      = 450 // messages that a user has written into a room alone
	costGone     = 300 // deleted rooms of a user
)

// costWorld is what there is in a store.
type costWorld struct {
	size costSize
	disk costDisk

	token                      map[string]string    // of personas
	id                         map[string]engine.ID // of personas
	rooms                      []engine.ID          // the first is the deepest, the second has the thread
	quiet                      []engine.ID
	hall, own                  engine.ID
	deep                       []engine.ID // messages of the first room
	bobs                       []engine.ID // of these, bob's
	parent                     engine.ID
	replies                    []engine.ID
	crowded, tired             engine.ID // messages in the hall that many react to, or did
	posts, reactions, expunged int
}

// newCostWorld fills a store, and leaves it closed.
func newCostWorld(t *testing.T, disk costDisk, size costSize) *costWorld {
	t.Helper()
	w := &costWorld{size: size, disk: disk, token: map[string]string{}, id: map[string]engine.ID{}}
	n := disk.open(t)
	for _, name := range []string{"ann", "bob", "carol", "dave", "root"} {
		w.register(n, name)
	}
	n.shut()
	store := disk.store(t)
	f := newCostFill(t, store)
	f.add(engine.KindUserUpdated, engine.ID{}, w.id["root"], &engine.UserUpdated{Admin: new(true)})
	w.fillUsers(f)
	w.fillRooms(f)
	w.fillMessages(f)
	w.fillHall(f)
	w.fillOdd(f)
	f.commit()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	// The first opening writes what is in memory into tables.
	n = disk.open(t)
	n.rest(w.looks())
	n.shut()
	return w
}

// looks is how long Pebble's own work may rest before it counts as done.
func (w *costWorld) looks() int {
	if w.size.messages >= 100_000 {
		return 4000
	}
	return 20
}

func (w *costWorld) register(n *costNode, name string) {
	n.t.Helper()
	var answer struct {
		Token string
		User  struct{ ID engine.ID }
	}
	body := n.do(costCall{method: "POST", path: "/register", status: http.StatusCreated,
		body: map[string]string{"username": name, "password": costPassword}})
	if err := json.Unmarshal(body, &answer); err != nil {
		n.t.Fatal(err)
	}
	w.token[name], w.id[name] = answer.Token, answer.User.ID
}

const costPassword = "correct horse"

// costFill appends events of the node's own past the committer, many to a batch.
type costFill struct {
	t     *testing.T
	store *storage.Store
	tx    engine.Tx
	n     int
	seq   uint64
	stamp engine.Stamp
}

func newCostFill(t *testing.T, s *storage.Store) *costFill {
	t.Helper()
	f := &costFill{t: t, store: s, seq: s.Position().Seq(s.Origin())}
	for entry, err := range s.Events(s.Origin(), f.seq-1, f.seq) {
		if err != nil {
			t.Fatal(err)
		}
		f.stamp = entry.Stamp
	}
	return f
}

const costBatch = 1000

func (f *costFill) add(kind engine.Kind, room, user engine.ID, payload any) engine.ID {
	f.t.Helper()
	f.seq++
	f.stamp++
	e := &engine.Event{Origin: f.store.Origin(), Seq: f.seq, Stamp: f.stamp, Kind: kind, Room: room, User: user, Payload: payload}
	var err error
	if e.Data, err = f.store.EncodePayload(payload); err != nil {
		f.t.Fatal(err)
	}
	if f.tx == nil {
		if f.tx, err = f.store.Begin(); err != nil {
			f.t.Fatal(err)
		}
	}
	if _, _, err := f.tx.Append(e); err != nil {
		f.t.Fatal(err)
	}
	if f.n++; f.n%costBatch == 0 {
		f.commit()
	}
	return e.ID()
}

func (f *costFill) commit() {
	f.t.Helper()
	if f.tx == nil {
		return
	}
	if err := f.tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
	f.tx = nil
}

func costID(kind byte, i int) engine.ID {
	return engine.ID{kind, byte(i >> 16), byte(i >> 8), byte(i), 1}
}

func costUser(i int) engine.ID { return costID(2, i) }

func (w *costWorld) fillUsers(f *costFill) {
	for i := range engine.SignInLimit - 1 { // she has one already
		f.add(engine.KindTokenIssued, engine.ID{}, w.id["ann"], &engine.TokenIssued{Token: costID(5, i), Expires: 1 << 47, Agent: "a browser"})
	}
	for i := range w.size.members {
		f.add(engine.KindUserCreated, engine.ID{}, costUser(i), &engine.UserCreated{Username: fmt.Sprintf("user-%05d", i), DisplayName: fmt.Sprint("User ", i)})
	}
}

// fillRooms makes the busy rooms, and quiet ones until there are enough for a long list.
func (w *costWorld) fillRooms(f *costFill) {
	for i := range max(w.size.rooms, costListed) {
		var members []engine.MemberRole
		if i < costList {
			members = append(members, engine.MemberRole{User: w.id["ann"], Role: engine.RoleMember})
		}
		if i < 8 {
			members = append(members, engine.MemberRole{User: w.id["bob"], Role: engine.RoleOwner})
		}
		room := costID(3, i)
		f.add(engine.KindRoomCreated, room, w.id["root"], &engine.RoomCreated{Name: fmt.Sprintf("room-%05d", i), Topic: "all sorts", Private: i%10 == 9, Members: members})
		if i < w.size.rooms {
			w.rooms = append(w.rooms, room)
			continue
		}
		w.quiet = append(w.quiet, room)
		for j := range 2 {
			f.add(engine.KindPosted, room, costUser(j), &engine.Posted{Body: "is anybody here?"})
		}
	}
}

// fillMessages has every busy room written to by turns, so that a room's messages lie
// far from each other until they are compacted. The first gets what the others leave.
func (w *costWorld) fillMessages(f *costFill) {
	others := len(w.rooms) - 1
	each := (w.size.messages*6/10-costReplies)/others/costPattern*costPattern + costPattern*6/10
	deep := w.size.messages - costReplies - others*each
	w.parent = w.post(f, w.rooms[1], 0, engine.ID{})
	for turn := range each {
		for len(w.deep) < deep*(turn+1)/each {
			w.deep = append(w.deep, w.post(f, w.rooms[0], len(w.deep), engine.ID{}))
		}
		for len(w.replies) < costReplies*(turn+1)/each {
			w.replies = append(w.replies, w.post(f, w.rooms[1], 0, w.parent))
		}
		for i, room := range w.rooms[1:] {
			if i > 0 || turn > 0 {
				w.post(f, room, turn, engine.ID{})
			}
		}
	}
}

// costPattern is after how many messages a room repeats itself: any page of as
// many has the same number of reactions, edits and so on.
const costPattern = 50

// post adds the i-th message of a room, and what happens to it.
func (w *costWorld) post(f *costFill, room engine.ID, i int, parent engine.ID) engine.ID {
	author := costUser(i % costUsers)
	p := &engine.Posted{Body: fmt.Sprintf("message %d, of about as many words as people use when they chat with each other", i), ReplyTo: parent}
	if i%10 == 4 && room == w.rooms[0] {
		author = w.id["bob"]
	}
	switch {
	case i%costPattern == 13:
		p.Body, p.Mentions = "@ann, look at this", []engine.ID{w.id["ann"]}
	case i%(4*costPattern) == 17:
		p.Body, p.Everyone = "@room, look at this", true
	}
	id := f.add(engine.KindPosted, room, author, p)
	w.posts++
	if author == w.id["bob"] {
		w.bobs = append(w.bobs, id)
	}
	switch i % costPattern {
	case 3:
		f.add(engine.KindEdited, room, author, &engine.Edited{Message: id, Body: p.Body + " (mended)"})
	case 5:
		w.react(f, room, id, costUser(7))
	case 7:
		f.add(engine.KindDeleted, room, author, &engine.Deleted{Message: id})
		w.expunged++
	case 11:
		w.react(f, room, id, costUser(8))
		w.react(f, room, id, w.id["ann"])
	}
	return id
}

func (w *costWorld) react(f *costFill, room, message, user engine.ID) {
	f.add(engine.KindReacted, room, user, &engine.Reacted{Message: message, Emoji: "👍"})
	w.reactions++
}

// fillHall makes the room of many members, and two messages in it that many react to.
func (w *costWorld) fillHall(f *costFill) {
	w.hall = costID(4, 0)
	f.add(engine.KindRoomCreated, w.hall, w.id["root"], &engine.RoomCreated{Name: "hall", Members: []engine.MemberRole{{User: w.id["bob"], Role: engine.RoleOwner}}})
	for i := range w.size.members {
		f.add(engine.KindMemberSet, w.hall, costUser(i), &engine.MemberSet{Role: engine.RoleMember})
	}
	w.crowded = f.add(engine.KindPosted, w.hall, w.id["bob"], &engine.Posted{Body: "good news"})
	for i := range costReactors {
		w.react(f, w.hall, w.crowded, costUser(i))
	}
	w.tired = f.add(engine.KindPosted, w.hall, w.id["bob"], &engine.Posted{Body: "not so good"})
	for i := range costTaken {
		w.react(f, w.hall, w.tired, costUser(i))
		if i > 0 {
			f.add(engine.KindReacted, w.hall, costUser(i), &engine.Reacted{Message: w.tired, Emoji: "👍", Remove: true})
		}
	}
}

// fillOdd makes what queries may trip over: one who was in many rooms that are
// gone, and a room in which one has talked to himself.
func (w *costWorld) fillOdd(f *costFill) {
	for i := range costGone + 5 {
		room := costID(5, i)
		f.add(engine.KindRoomCreated, room, w.id["carol"], &engine.RoomCreated{Name: fmt.Sprintf("gone-%05d", i), Private: true,
			Members: []engine.MemberRole{{User: w.id["carol"], Role: engine.RoleOwner}}})
		if i < costGone {
			f.add(engine.KindRoomDeleted, room, w.id["carol"], &engine.RoomDeleted{By: w.id["carol"]})
		}
	}
	w.own = costID(6, 0)
	f.add(engine.KindRoomCreated, w.own, w.id["dave"], &engine.RoomCreated{Name: "alone", Private: true,
		Members: []engine.MemberRole{{User: w.id["dave"], Role: engine.RoleOwner}}})
	for i := range costOwn {
		f.add(engine.KindPosted, w.own, w.id["dave"], &engine.Posted{Body: fmt.Sprint("dear diary, it is day ", i)})
	}
}
