package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// patient is a store with a rich history that a test does damage to.
type patient struct {
	t         *testing.T
	w         *world
	fs        vfs.FS
	dir       string
	dump, end string // undamaged; and with all events of the world
	s         *Store
	at        engine.Position
}

const patientSeed = 11

// well is the patient before anything happened to it. Some parts of its messages
// wait for posts, for two origins' logs are not at their end.
var well = sync.OnceValue(func() *patient {
	p := &patient{w: newWorld(patientSeed, 3, 600, 60), fs: vfs.NewMem(), dir: "data"}
	p.at = p.w.end()
	for _, o := range p.w.origins[1:] {
		p.at = p.at.With(o, p.at.Seq(o)*9/10)
	}
	return p
})

// newPatient copies the well one, with its tables written.
func newPatient(t *testing.T, fs vfs.FS, dir string) *patient {
	t.Helper()
	p := *well()
	if p.dump == "" {
		p.t = t
		p.s = openAs(t, p.fs, p.w.origins[0], nil)
		apply(t, p.s, p.w, p.at, rand.New(rand.NewPCG(patientSeed, 41)))
		if err := p.s.db.Flush(); err != nil {
			t.Fatal(err)
		}
		p.dump, p.end = dumpOf(t, p.s), dumpAt(t, p.w, p.w.end())
		p.close()
		*well() = p
	}
	if ok, err := vfs.Clone(p.fs, fs, p.dir, dir, vfs.CloneSync); !ok || err != nil {
		t.Fatal(ok, err)
	}
	p.t, p.fs, p.dir = t, fs, dir
	p.open()
	return &p
}

func (p *patient) open() {
	var err error
	if p.s, err = Open(p.dir, Options{FS: p.fs, Memory: minMemory}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) close() {
	if err := p.s.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// pick returns a key of a kind, and its value, for which a test holds.
func (p *patient) pick(kind byte, fits func(k *key, v []byte) bool) (key, []byte) {
	p.t.Helper()
	var found *key
	var value []byte
	err := p.s.scan([]byte{kind}, func(k key, v []byte) error {
		if found == nil && (fits == nil || fits(&k, v)) {
			found, value = &k, bytes.Clone(v)
		}
		return nil
	})
	if err != nil || found == nil {
		p.t.Fatalf("the patient has no such key of kind %c: %v", kind, err)
	}
	return *found, value
}

func (p *patient) set(k, v []byte) {
	if err := p.s.db.Set(k, v, pebble.Sync); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) del(k []byte) {
	if err := p.s.db.Delete(k, pebble.Sync); err != nil {
		p.t.Fatal(err)
	}
}

// drop and spoil are most damages: a key of a kind is gone, or another value is there.
func (p *patient) drop(kind byte, fits func(k *key, v []byte) bool) {
	k, _ := p.pick(kind, fits)
	p.del(k.build())
}

func (p *patient) spoil(kind byte, fits func(k *key, v []byte) bool, change func(v []byte) []byte) {
	k, v := p.pick(kind, fits)
	p.set(k.build(), change(v))
}

func part(sub byte) func(*key, []byte) bool {
	return func(k *key, _ []byte) bool { return k.sub == sub }
}

func isPointer(_ *key, v []byte) bool { return v[0] == entryPointer }

func isInline(_ *key, v []byte) bool { return v[0] == entryInline }

// middle is for log entries with others before and behind them.
func (p *patient) middle(fits func(*key, []byte) bool) func(*key, []byte) bool {
	return func(k *key, v []byte) bool {
		return k.seq > 5 && k.seq < p.at.Seq(k.origin)-5 && fits(k, v)
	}
}

func flipLast(v []byte) []byte { v[len(v)-1] ^= 1; return v }

func addOne(v []byte) []byte { n, _ := parseCount(v); return appendCount(nil, n+1) }

// a post that can be seen, and one that cannot
func (p *patient) post(fits func(m *message) bool) *message {
	var found *message
	p.pick(kindMessage, func(k *key, _ []byte) bool {
		if k.sub != subPost || found != nil {
			return false
		}
		m, err := p.s.message(k.ids[0], k.ids[1])
		if err == nil && fits(m) {
			found = m
		}
		return found != nil
	})
	return found
}

// damage is one sort of it.
type damage struct {
	name string
	code Code
	does func(p *patient)
}

// mendable are those from which a rebuild brings back every byte.
var mendable = []damage{
	{"a reaction is the other way round", "reaction_wrong", func(p *patient) { p.spoil(kindReaction, nil, flipLast) }},
	{"a reaction's register is lost", "reaction_missing", func(p *patient) { p.drop(kindReaction, nil) }},
	{"a reaction that nobody made", "reaction_extra", func(p *patient) {
		p.set(reactionKey(engine.ID{9}, engine.ID{9}, engine.ID{9}, "x"), reaction{engine.ID{9}, true}.encode())
	}},
	{"a count of reactions is wrong", "reaction_count_wrong", func(p *patient) { p.spoil(kindMessage, part(subReactions), flipLast) }},
	{"counts of reactions are lost", "reaction_count_missing", func(p *patient) { p.drop(kindMessage, part(subReactions)) }},
	{"an edit is older than the winner", "edit_wrong", func(p *patient) {
		p.spoil(kindMessage, part(subEdit), func(v []byte) []byte { v[3]--; return v })
	}},
	{"an edit cannot be read", "edit_wrong", func(p *patient) {
		p.spoil(kindMessage, part(subEdit), func(v []byte) []byte { return v[:idSize+1] })
	}},
	{"an edit is lost", "edit_missing", func(p *patient) { p.drop(kindMessage, part(subEdit)) }},
	{"a deletion is lost", "deletion_missing", func(p *patient) { p.drop(kindMessage, part(subDeleted)) }},
	{"a message is deleted by nobody", "deletion_extra", func(p *patient) {
		m := p.post(func(m *message) bool { return m.deleted.IsZero() })
		p.set(messageKey(m.room, m.id, subDeleted), m.id[:])
	}},
	{"a repeat is shown", "hidden_missing", func(p *patient) { p.drop(kindMessage, part(subHidden)) }},
	{"a message is hidden that repeats nothing", "hidden_extra", func(p *patient) {
		m := p.post(func(m *message) bool { return !m.hidden })
		p.set(messageKey(m.room, m.id, subHidden), nil)
	}},
	{"a nonce is lost", "nonce_missing", func(p *patient) { p.drop(kindNonce, nil) }},
	{"a nonce has a claim too many", "nonce_extra", func(p *patient) {
		p.spoil(kindNonce, nil, func(v []byte) []byte { return append(v, bytes.Repeat([]byte{0xFE}, 2*idSize)...) })
	}},
	{"a nonce's claims are out of order", "nonce_wrong", func(p *patient) {
		p.spoil(kindNonce, func(_ *key, v []byte) bool { return len(v) > 2*idSize }, func(v []byte) []byte {
			return append(bytes.Clone(v[2*idSize:]), v[:2*idSize]...)
		})
	}},
	{"a mention is lost", "mention_missing", func(p *patient) { p.drop(kindMention, nil) }},
	{"a mention of somebody not named", "mention_extra", func(p *patient) {
		k, v := p.pick(kindMention, nil)
		p.set(idKey(kindMention, engine.ID{9}, k.ids[1], k.ids[2]), v)
	}},
	{"a mention has another author", "mention_wrong", func(p *patient) { p.spoil(kindMention, nil, flipLast) }},
	{"a mention has no author", "mention_wrong", func(p *patient) {
		p.spoil(kindMention, nil, func(v []byte) []byte { return v[:3] })
	}},
	{"a reply is lost", "reply_missing", func(p *patient) { p.drop(kindReply, nil) }},
	{"a reply that is none", "reply_extra", func(p *patient) {
		m := p.post(func(m *message) bool { return m.posted.ReplyTo.IsZero() })
		p.set(idKey(kindReply, m.room, m.id, m.id), nil)
	}},
	{"a reply to nowhere", "reply_extra", func(p *patient) { p.set(idKey(kindReply, engine.ID{9}, engine.ID{9}, engine.ID{9}), nil) }},
	{"nothing tells that an edit waits", "early_missing", func(p *patient) { p.drop(kindEarly, nil) }},
	{"a post is said to be waited for, and is there", "early_extra", func(p *patient) {
		m := p.post(func(m *message) bool { return m.edited != nil })
		p.set(idKey(kindEarly, m.room, m.id), nil)
	}},
	{"a user's ban is lost", "user_ban_missing", func(p *patient) { p.drop(kindUserBan, nil) }},
	{"a network's ban is another", "network_ban_wrong", func(p *patient) { p.spoil(kindNetBan, nil, flipLast) }},
	{"an invitation is lost", "invitation_missing", func(p *patient) { p.drop(kindInvitation, nil) }},
	{"a disabled administrator whom nobody knows", "disabled_admin_count_extra", func(p *patient) {
		p.set(idleAdminsKey(), appendCount(nil, 1))
	}},
	{"a membership is of another role", "member_wrong", func(p *patient) { p.spoil(kindMemberReg, nil, flipLast) }},
	{"a membership is lost", "member_missing", func(p *patient) { p.drop(kindMemberReg, nil) }},
	{"a room's list lacks a member", "room_member_missing", func(p *patient) { p.drop(kindRoomMember, nil) }},
	{"a room's list has another role", "room_member_wrong", func(p *patient) { p.spoil(kindRoomMember, nil, addOne) }},
	{"a room's list has a stranger", "room_member_extra", func(p *patient) {
		p.set(idKey(kindRoomMember, engine.ID{9}, engine.ID{9}), []byte{1})
	}},
	{"a user's list lacks a room", "user_room_missing", func(p *patient) { p.drop(kindUserRoom, nil) }},
	{"a count of members is wrong", "member_count_wrong", func(p *patient) { p.spoil(kindMembers, nil, addOne) }},
	{"a room is lost", "room_missing", func(p *patient) { p.drop(kindRoom, nil) }},
	{"a room is encoded another way", "room_wrong", func(p *patient) {
		p.spoil(kindRoom, nil, func(v []byte) []byte { return append([]byte{0xB8, v[0] & 0x1F}, v[1:]...) }) // the map's length in two bytes
	}},
	{"a user is lost", "user_missing", func(p *patient) { p.drop(kindUser, nil) }},
	{"a user cannot be read", "user_wrong", func(p *patient) { p.spoil(kindUser, nil, func([]byte) []byte { return []byte{0xFF} }) }},
	{"a claim of a name is lost", "name_missing", func(p *patient) { p.drop(kindName, nil) }},
	{"claims of a name are out of order", "name_wrong", func(p *patient) {
		p.spoil(kindName, func(_ *key, v []byte) bool { return len(v) > 2*idSize }, func(v []byte) []byte {
			return append(bytes.Clone(v[2*idSize:]), v[:2*idSize]...)
		})
	}},
	{"a public room is not listed", "public_room_missing", func(p *patient) { p.drop(kindPublic, nil) }},
	{"a room is listed that is not public", "public_room_extra", func(p *patient) { p.set(publicKey("secret", engine.ID{9}), nil) }},
	{"the count of administrators is wrong", "admin_count_wrong", func(p *patient) { p.spoil(kindAdmins, nil, addOne) }},
	{"a read marker is elsewhere", "marker_wrong", func(p *patient) { p.spoil(kindMarker, nil, flipLast) }},
	{"a read marker is lost", "marker_missing", func(p *patient) { p.drop(kindMarker, nil) }},
	{"a revoked token holds again", "revocation_missing", func(p *patient) { p.drop(kindToken, nil) }},
	{"a sign-in is not listed", "sign_in_missing", func(p *patient) { p.drop(kindSignIn, nil) }},
	{"a sign-in that was ended is listed", "sign_in_extra", func(p *patient) {
		k, _ := p.pick(kindToken, nil)
		p.set(idKey(kindSignIn, engine.ID{9}, k.ids[0]), signIn{}.encode())
	}},
	{"the last sign-in is at another time", "latest_sign_in_wrong", func(p *patient) { p.spoil(kindLatest, nil, flipLast) }},
	{"an invite can be used again", "invite_missing", func(p *patient) { p.drop(kindInvite, nil) }},
	{"an invite is used up that was not", "invite_extra", func(p *patient) { p.set(idKey(kindInvite, engine.ID{9}), nil) }},
	{"a node's key is another", "node_key_wrong", func(p *patient) { p.spoil(kindNodeKey, nil, flipLast) }},
	{"an event of an unknown kind has no note", "unknown_event_missing", func(p *patient) { p.drop(kindUnknown, nil) }},
	{"a position is too low", "position_wrong", func(p *patient) {
		p.spoil(kindPosition, nil, func(v []byte) []byte { v[7]--; return v })
	}},
	{"a position is lost", "position_missing", func(p *patient) { p.drop(kindPosition, nil) }},
	{"a key of no form", CodeKeyMalformed, func(p *patient) { p.set([]byte("m\x01\x02\x00"), nil) }},
	{"a key of no kind", CodeKeyMalformed, func(p *patient) { p.set([]byte("a\x01\x02\x00"), nil) }},
	{"a message without a log entry", CodePostUnlogged, func(p *patient) { p.drop(kindLog, p.middle(isPointer)) }},
	{"a gap in the log whose post is there", CodeLogGap, func(p *patient) { p.drop(kindLog, p.middle(isPointer)) }},
	{"a message that nobody posted", CodePostUnlogged, func(p *patient) {
		k, v := p.pick(kindMessage, part(subPost))
		p.set(messageKey(engine.ID{9}, k.ids[1], subPost), v)
	}},
}

// lossy are those from which the log does not come back whole.
var lossy = []damage{
	{"a gap in the log", CodeLogGap, func(p *patient) { p.drop(kindLog, p.middle(isInline)) }},
	{"the log's end is lost", CodeLogGap, func(p *patient) {
		k, _ := p.pick(kindLog, func(k *key, v []byte) bool { return k.seq == p.at.Seq(k.origin) && v[0] == entryInline })
		p.del(k.build())
	}},
	{"a log entry cannot be read", CodeLogMalformed, func(p *patient) {
		p.spoil(kindLog, p.middle(isInline), func(v []byte) []byte { return v[:9] })
	}},
	{"a log entry is another event's", CodeLogMalformed, func(p *patient) {
		k, v := p.pick(kindLog, p.middle(isInline))
		p.set(logKey(k.origin, k.seq+1), v)
	}},
	{"the log points to no message", CodeLogDangling, func(p *patient) {
		k, v := p.pick(kindLog, p.middle(isPointer))
		head, _, _ := parseEntry(v)
		p.del(messageKey(head.Room, engine.MakeID(head.Stamp, k.origin), subPost))
	}},
	{"the log points to another event's message", CodeLogDangling, func(p *patient) {
		p.spoil(kindMessage, part(subPost), func(v []byte) []byte { v[7] ^= 0x40; return v })
	}},
	{"a message cannot be read", CodePostMalformed, func(p *patient) {
		p.spoil(kindMessage, part(subPost), func(v []byte) []byte { return v[:len(v)-1] })
	}},
	{"an event is earlier than the one before it", CodeLogOrder, func(p *patient) {
		k, v := p.pick(kindLog, p.middle(isInline))
		e, err := engine.ParseEvent(v[1:])
		if err != nil {
			p.t.Fatal(err)
		}
		e.Stamp = 1
		v, _ = e.AppendBinary([]byte{entryInline})
		p.set(k.build(), v)
	}},
}

// check finds what it should, also while the store serves, and the same twice.
func (p *patient) check(code Code) CheckReport {
	p.t.Helper()
	online := inspect(p.t, p.s)
	p.close()
	r, err := Check(p.t.Context(), p.dir, Options{FS: p.fs}, CheckOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	if r.Counts[code] == 0 {
		p.t.Fatalf("%s is not among what was found: %+v", code, r)
	}
	if fmt.Sprint(online.Counts) != fmt.Sprint(r.Counts) {
		p.t.Errorf("a serving store is found otherwise: %v, %v", online.Counts, r.Counts)
	}
	return r
}

func (p *patient) rebuild(lose bool) (RebuildReport, error) {
	return Rebuild(p.t.Context(), p.dir, Options{FS: p.fs}, RebuildOptions{Lose: lose})
}

// healthy opens the store again: it passes, and it takes further events.
func (p *patient) healthy(want string) {
	p.t.Helper()
	p.open()
	defer p.close()
	if got := dumpOf(p.t, p.s); got != want {
		p.t.Fatalf("I3: the rebuilt store is another:\n%s", firstDifference(want, got))
	}
	if r := inspect(p.t, p.s); !r.OK() {
		p.t.Fatalf("after the rebuild: %+v", r)
	}
	apply(p.t, p.s, p.w, p.w.end(), rand.New(rand.NewPCG(1, 42)))
	if got := dumpOf(p.t, p.s); got != p.end {
		p.t.Fatal("I3: the rebuilt store does not go on as another would")
	}
}

// TestDamageMendable (I2, I3): each is found by its code, and after a rebuild no byte
// tells that it was there.
func TestDamageMendable(t *testing.T) {
	for _, d := range mendable {
		t.Run(d.name, func(t *testing.T) {
			p := newPatient(t, vfs.NewMem(), "data")
			d.does(p)
			if r := p.check(d.code); r.Unmendable > 0 {
				t.Fatalf("not mendable: %+v", r.Findings)
			}
			r, err := p.rebuild(false)
			if err != nil || len(r.Lost) > 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			p.healthy(p.dump)
		})
	}
}

// TestDamageLossy (I2): what the log has lost is found, said, and lost only if that is
// wanted; then the store is as one that never had those events.
func TestDamageLossy(t *testing.T) {
	for _, d := range lossy {
		t.Run(d.name, func(t *testing.T) {
			p := newPatient(t, vfs.NewMem(), "data")
			own := p.s.origin
			d.does(p)
			if r := p.check(d.code); r.Unmendable == 0 {
				t.Fatalf("mendable: %+v", r.Findings)
			}
			refused, err := p.rebuild(false)
			if !errors.Is(err, ErrLoss) || len(refused.Lost) == 0 {
				t.Fatalf("%+v, %v", refused, err)
			}
			r, err := p.rebuild(true)
			if err != nil || fmt.Sprint(r.Lost) != fmt.Sprint(refused.Lost) {
				t.Fatalf("%+v, %v; before it was %+v", r, err, refused)
			}
			at := p.at
			for _, l := range r.Lost {
				o, _ := engine.ParseOrigin(l.Origin)
				at = at.With(o, l.First-1)
			}
			p.healthy(dumpAt(t, p.w, at))
			p.open()
			defer p.close()
			if lost := at.Seq(own) != p.at.Seq(own); lost == (p.s.origin == own) || lost != (r.NewNode != "") {
				t.Errorf("I2: own events lost: %v; the node was %s, is %s, and is said to be %q", lost, own, p.s.origin, r.NewNode)
			}
		})
	}
}

// flip turns one bit of a file.
func flip(t *testing.T, fs vfs.FS, path string, at int64) {
	t.Helper()
	b := contents(t, fs, path)
	b[at] ^= 0x10
	write(t, fs, path, b)
}

func contents(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, fs vfs.FS, path string, b []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(b)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// largestTable names the file that holds most.
func (p *patient) largestTable() (path string) {
	levels, err := p.s.db.SSTables()
	if err != nil {
		p.t.Fatal(err)
	}
	size := uint64(0)
	for _, level := range levels {
		for i := range level {
			if level[i].Size > size {
				size, path = level[i].Size, p.fs.PathJoin(p.dir, tableOf(&level[i]).name)
			}
		}
	}
	return path
}

// after a rebuild that may lose events the store is as one that never had them.
func (p *patient) asWithout(r RebuildReport) {
	p.t.Helper()
	at := p.at
	for _, l := range r.Lost {
		o, err := engine.ParseOrigin(l.Origin)
		if err != nil {
			p.t.Fatal(err)
		}
		at = at.With(o, l.First-1)
	}
	p.open()
	got := dumpOf(p.t, p.s)
	p.close()
	if want := dumpAt(p.t, p.w, at); got != want {
		p.t.Fatalf("I3: the rebuilt store is another:\n%s", firstDifference(want, got))
	}
}

// TestDamageFlippedBits (I2): wherever a bit of the largest file turns, the file is named,
// and a rebuild makes a whole store of what the rest of the log says.
func TestDamageFlippedBits(t *testing.T) {
	size := int64(0)
	for i := range int64(flips) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			p := newPatient(t, vfs.NewMem(), "data")
			table := p.largestTable()
			p.close()
			size = int64(len(contents(t, p.fs, table)))
			flip(t, p.fs, table, size*i/flips)
			r, err := Check(t.Context(), p.dir, Options{FS: p.fs}, CheckOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Counts[CodeTableDamaged] != 1 || r.Findings[0].Key == "" || !strings.HasSuffix(table, firstOf(r, CodeTableDamaged).Key) {
				t.Fatalf("%+v", r)
			}
			_, before := p.rebuild(false)
			if before != nil && !errors.Is(before, ErrLoss) && !errors.Is(before, ErrDamaged) {
				t.Fatal(before)
			}
			rebuilt, err := p.rebuild(true)
			if errors.Is(err, ErrDamaged) {
				return // the node's own id was in that block: only a backup has it
			}
			if err != nil {
				t.Fatal(err)
			}
			p.asWithout(rebuilt)
		})
	}
}

const flips = 40

func firstOf(r CheckReport, code Code) (f Finding) {
	for _, f := range r.Findings {
		if f.Code == code {
			return f
		}
	}
	return f
}
