package storage

import (
	"fmt"
	"math/rand/v2"

	"github.com/klatch-chat/klatch/engine"
)

// world makes random histories: events of several origins, each in its own
// order, that refer to what any origin has made before. Nodes then apply them
// in orders that respect the origins' sequences and nothing else.
type world struct {
	rng     *rand.Rand
	pad     int // bytes added to bodies, so that tables get written
	origins []engine.Origin
	now     []int64 // each origin's clock, in stamps
	logs    map[engine.Origin][]*engine.Event
	all     []*engine.Event

	users    []engine.ID
	rooms    []engine.ID
	messages []engine.MessageRef
	tokens   []engine.ID
	owners   map[engine.ID]engine.ID // of tokens
	invites  []engine.ID
}

var (
	worldNames  = []string{"ann", "bob", "eve", "lobby", "a\x00b", ""}
	worldNonces = []string{"", "", "n1", "n2", "n3"}
	worldAgents = []string{"", "curl/8", "a browser"}
	worldNets   = []string{"203.0.113.0/24", "2001:db8::/32"}
	worldEmoji  = []string{"+1", "🎉", "é", "x"}
)

func newWorld(seed uint64, origins, events, pad int) *world {
	w := &world{pad: pad, rng: rand.New(rand.NewPCG(seed, 1)), logs: map[engine.Origin][]*engine.Event{}, owners: map[engine.ID]engine.ID{}}
	for i := range origins {
		w.origins = append(w.origins, engine.Origin(w.rng.Uint64()|1))
		w.now = append(w.now, int64(engine.StampAt(engine.Time(1_700_000_000_000+int64(i)*w.rng.Int64N(5000)).Std())))
	}
	// Some ids are derived from names, so that two origins may make the same.
	for i := range 3 {
		w.users = append(w.users, engine.ID{0xFF, byte(i), 1})
		w.rooms = append(w.rooms, engine.ID{0xFE, byte(i), 1})
	}
	for i := range 3 {
		w.tokens = append(w.tokens, engine.ID{3, byte(i)})
		w.owners[w.tokens[i]] = w.users[i]
		w.invites = append(w.invites, engine.ID{4, byte(i)})
	}
	for range events {
		w.step()
	}
	return w
}

func pick[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func maybe[T any](w *world, v T) *T {
	if w.chance(50) {
		return nil
	}
	return &v
}

func (w *world) stamp(i int) engine.Stamp {
	switch {
	case w.chance(3):
		w.now[i] += (13 * 3600 * 1000) << 16 // half a day and a bit: nonces expire after some
	case w.chance(50):
		w.now[i] += 1
	default:
		w.now[i] += (1 + w.rng.Int64N(2000)) << 16
	}
	return engine.Stamp(w.now[i])
}

func (w *world) step() {
	i := w.rng.IntN(len(w.origins))
	o := w.origins[i]
	e := &engine.Event{Origin: o, Seq: uint64(len(w.logs[o]) + 1), Stamp: w.stamp(i), User: pick(w, w.users)}
	w.fill(e)
	if e.Payload != nil {
		b, err := encMode.Marshal(e.Payload)
		if err != nil {
			panic(err)
		}
		e.Data = b
	}
	w.logs[o] = append(w.logs[o], e)
	w.all = append(w.all, e)
}

func (w *world) fill(e *engine.Event) {
	switch n := w.rng.IntN(100); {
	case n < 8:
		w.fillUser(e)
	case n < 22:
		w.fillRoom(e)
	case n < 29:
		w.fillToken(e)
	case n < 36:
		w.fillAdministration(e)
	case n < 58 || len(w.messages) == 0:
		w.fillPost(e)
	case n < 65:
		ref := pick(w, w.messages)
		e.Kind, e.Room = engine.KindEdited, ref.Room
		e.Payload = &engine.Edited{Message: ref.Message, Body: fmt.Sprint("edit ", e.Seq), Mentions: w.mentions(), Everyone: w.chance(20)}
	case n < 70:
		ref := pick(w, w.messages)
		e.Kind, e.Room, e.Payload = engine.KindDeleted, ref.Room, &engine.Deleted{Message: ref.Message}
	case n < 80:
		ref := pick(w, w.messages)
		e.Kind, e.Room = engine.KindReacted, ref.Room
		e.Payload = &engine.Reacted{Message: ref.Message, Emoji: pick(w, worldEmoji), Remove: w.chance(40)}
	case n < 88:
		e.Kind, e.Room = engine.KindMemberSet, pick(w, w.rooms)
		e.Payload = &engine.MemberSet{Role: engine.Role(w.rng.IntN(4)), By: pick(w, w.users)}
	case n < 94:
		ref := pick(w, w.messages)
		e.Kind, e.Room, e.Payload = engine.KindRead, ref.Room, &engine.Read{Message: ref.Message}
	case n < 97:
		e.Kind, e.User, e.Payload = engine.KindNodeKey, engine.ID{}, &engine.NodeKey{Public: []byte{byte(e.Seq)}}
	default:
		e.Kind, e.Room, e.Data = 200, pick(w, w.rooms), []byte("from a later version")
	}
}

// fillToken issues or revokes a token. Lives are short, so that later sign-ins find some at
// their end; one may be told of twice, not alike.
func (w *world) fillToken(e *engine.Event) {
	token := pick(w, w.tokens)
	if w.chance(60) {
		if w.chance(80) {
			token = e.ID()
			w.tokens = append(w.tokens, token)
			w.owners[token] = e.User
		}
		e.Kind = engine.KindTokenIssued
		e.Payload = &engine.TokenIssued{Token: token, Expires: e.Stamp.Time() + engine.Time(w.rng.IntN(20_000)), Agent: pick(w, worldAgents)}
	} else {
		e.Kind, e.Payload = engine.KindTokenRevoked, &engine.TokenRevoked{Token: token, Expires: engine.Time(w.rng.IntN(1000))}
	}
	e.User = w.owners[token]
}

// fillAdministration disables, bans, invites and archives, and takes it back.
func (w *world) fillAdministration(e *engine.Event) {
	reason, until := fmt.Sprint("reason ", e.Seq), engine.Time(w.rng.IntN(3))
	switch w.rng.IntN(6) {
	case 0:
		e.Kind, e.Payload = engine.KindAccountSet, &engine.AccountSet{Disabled: maybe(w, w.chance(60)), Deleted: w.chance(50)}
	case 1:
		e.Kind, e.Payload = engine.KindUserBanned, &engine.UserBanned{Reason: reason, Until: until, Lifted: w.chance(40), By: pick(w, w.users)}
	case 2:
		e.Kind, e.User = engine.KindNetBanned, engine.ID{}
		e.Payload = &engine.NetBanned{Network: pick(w, worldNets), Reason: reason, Until: until, Lifted: w.chance(40)}
	case 3:
		e.Kind, e.User = engine.KindInvited, engine.ID{}
		e.Payload = &engine.Invited{Invite: pick(w, w.invites), Expires: until, Admin: w.chance(50), Note: reason}
	case 4:
		e.Kind, e.User, e.Payload = engine.KindTokenRevoked, engine.ID{}, &engine.TokenRevoked{Token: pick(w, w.invites)}
	default:
		e.Kind, e.Room, e.Payload = engine.KindRoomArchived, pick(w, w.rooms), &engine.RoomArchived{Archived: w.chance(60)}
	}
}

func (w *world) fillUser(e *engine.Event) {
	if w.chance(60) {
		e.Kind, e.User = engine.KindUserCreated, e.ID()
		if w.chance(40) {
			e.User = pick(w, w.users)
		} else {
			w.users = append(w.users, e.User)
		}
		p := &engine.UserCreated{Username: pick(w, worldNames), DisplayName: "D", Password: fmt.Sprint("phc", e.Seq), Admin: w.chance(20), Bot: w.chance(10)}
		if w.chance(30) {
			p.Invite = pick(w, w.invites)
		}
		e.Payload = p
		return
	}
	e.Kind = engine.KindUserUpdated
	e.Payload = &engine.UserUpdated{
		Username: maybe(w, pick(w, worldNames)), DisplayName: maybe(w, fmt.Sprint("U", e.Seq)),
		Password: maybe(w, fmt.Sprint("new", e.Seq)), Admin: maybe(w, w.chance(30)),
	}
}

func (w *world) fillRoom(e *engine.Event) {
	switch {
	case w.chance(50):
		e.Kind, e.Room = engine.KindRoomCreated, e.ID()
		if w.chance(40) {
			e.Room = pick(w, w.rooms)
		} else {
			w.rooms = append(w.rooms, e.Room)
		}
		p := &engine.RoomCreated{Name: pick(w, worldNames), Topic: "t", Private: w.chance(30), Direct: w.chance(20)}
		for range w.rng.IntN(4) {
			p.Members = append(p.Members, engine.MemberRole{User: pick(w, w.users), Role: engine.Role(w.rng.IntN(4))})
		}
		e.Payload = p
	case w.chance(75):
		e.Kind, e.Room = engine.KindRoomUpdated, pick(w, w.rooms)
		e.Payload = &engine.RoomUpdated{Name: maybe(w, pick(w, worldNames)), Topic: maybe(w, fmt.Sprint("T", e.Seq)), Private: maybe(w, w.chance(50))}
	default:
		e.Kind, e.Room, e.Payload = engine.KindRoomDeleted, pick(w, w.rooms), &engine.RoomDeleted{By: e.User}
	}
}

func (w *world) fillPost(e *engine.Event) {
	e.Kind, e.Room = engine.KindPosted, pick(w, w.rooms)
	p := &engine.Posted{Body: fmt.Sprint("post ", e.Origin, e.Seq) + w.padding(), Nonce: pick(w, worldNonces), Mentions: w.mentions(), Everyone: w.chance(10)}
	if len(w.messages) > 0 && w.chance(30) {
		parent := pick(w, w.messages)
		e.Room, p.ReplyTo = parent.Room, parent.Message
	}
	if w.chance(10) {
		p.Files = []engine.Attachment{{ID: e.ID(), Name: "f", Size: 1, Type: "text/plain"}}
	}
	e.Payload = p
	w.messages = append(w.messages, engine.MessageRef{Room: e.Room, Message: e.ID()})
}

func (w *world) mentions() (ids []engine.ID) {
	for range w.rng.IntN(8) - 5 {
		ids = append(ids, pick(w, w.users))
	}
	return ids
}

func (w *world) padding() string {
	b := make([]byte, w.rng.IntN(w.pad+1))
	for i := range b {
		b[i] = byte('a' + w.rng.IntN(26))
	}
	return string(b)
}
