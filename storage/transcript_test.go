package storage

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestTranscripts runs the files in testdata. In them origins are a, b, c; a
// line of append is
//
//	origin seconds kind [as=name] [field=value]...
//
// and makes the origin's next event at that time; as names its ID. Names stand
// for IDs in all fields and in the output. "store" goes to another store, made
// if there is none, whose origin is the first letter of its name; "seed" gives the
// present store a snapshot of another.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if strings.Contains(path, "fuzz") {
			return
		}
		r := &transcript{t: t, stores: map[string]*Store{}, ids: map[string]engine.ID{}, seqs: map[engine.Origin]uint64{}}
		r.store("main")
		defer r.close()
		datadriven.RunTest(t, path, r.run)
	})
}

type transcript struct {
	t      *testing.T
	s      *Store
	stores map[string]*Store
	ids    map[string]engine.ID
	seqs   map[engine.Origin]uint64
}

func (r *transcript) store(name string) {
	if r.stores[name] == nil {
		r.stores[name] = openAs(r.t, vfs.NewMem(), engine.Origin(name[0]), nil)
	}
	r.s = r.stores[name]
}

func (r *transcript) close() {
	for _, s := range r.stores {
		s.Close()
	}
}

// seed installs a snapshot of another store, and says which events there are then.
func (r *transcript) seed(from string) string {
	d := newSeed(r.t, r.s, 1000)
	defer d.Discard()
	if err := writeAll(d, takePieces(r.t, r.stores[from], 1000)); err != nil {
		return err.Error()
	}
	if err := d.Install(); err != nil {
		return err.Error()
	}
	var b strings.Builder
	for o, seq := range r.s.Position().All() {
		fmt.Fprintf(&b, "%c/%d ", rune(o), seq)
	}
	return strings.TrimSpace(b.String())
}

func (r *transcript) run(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd == "append" {
		return r.append(d.Input)
	}
	var b strings.Builder
	for _, line := range strings.Split(d.Input, "\n") {
		b.WriteString(r.names(r.query(d.Cmd, parseFields(strings.Fields(line)))) + "\n")
	}
	return b.String()
}

func (r *transcript) append(input string) string {
	tx, err := r.s.Begin()
	if err != nil {
		return err.Error()
	}
	defer tx.Discard()
	var b strings.Builder
	for _, line := range strings.Split(input, "\n") {
		e := r.event(strings.Fields(line))
		applied, effects, err := tx.Append(e)
		if err != nil {
			return err.Error()
		}
		if !applied || len(effects.Hidden)+len(effects.Shown)+len(effects.Renamed) > 0 {
			b.WriteString(r.names(fmt.Sprintf("applied=%v hidden=%v shown=%v renamed=%v\n", applied, effects.Hidden, effects.Shown, effects.Renamed)))
		}
		if effects.Amended {
			b.WriteString("amended\n")
		}
		if effects.Contested != "" {
			b.WriteString("contested=" + effects.Contested + "\n")
		}
	}
	if err := tx.Commit(); err != nil {
		return err.Error()
	}
	return b.String()
}

// fields are the words of a line: key=value, and the first without a key as "".
type fields map[string]string

func parseFields(words []string) fields {
	f := fields{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			k, v = "", w
		}
		f[k] = v
	}
	return f
}

func (f fields) opt(k string) *string {
	if v, ok := f[k]; ok {
		return &v
	}
	return nil
}

func (r *transcript) id(name string) engine.ID {
	if name == "" {
		return engine.ID{}
	}
	id, ok := r.ids[name]
	if !ok {
		id = engine.ID{0xFF, byte(len(r.ids))} // a derived one
		r.ids[name] = id
	}
	return id
}

func (r *transcript) list(names string) (ids []engine.ID) {
	for _, n := range strings.FieldsFunc(names, func(c rune) bool { return c == ',' }) {
		ids = append(ids, r.id(n))
	}
	return ids
}

func (r *transcript) names(s string) string {
	for name, id := range r.ids {
		s = strings.ReplaceAll(s, id.String(), name)
	}
	return strings.ReplaceAll(s, engine.ID{}.String(), "-")
}

func (r *transcript) event(words []string) *engine.Event {
	o := engine.Origin(words[0][0])
	seconds, _ := strconv.Atoi(words[1])
	f := parseFields(words[3:])
	r.seqs[o]++
	e := &engine.Event{Origin: o, Seq: r.seqs[o], Stamp: engine.Stamp(1_700_000_000+seconds)*1000<<16 | engine.Stamp(r.seqs[o])}
	if as := f["as"]; as != "" {
		r.ids[as] = e.ID()
	}
	e.Room, e.User = r.id(f["room"]), r.id(f["user"])
	r.payload(e, words[2], f)
	e.Data, _ = r.s.EncodePayload(e.Payload)
	return e
}

func (r *transcript) payload(e *engine.Event, kind string, f fields) {
	role, _ := strconv.Atoi(f["role"])
	_, admin := f["admin"]
	_, everyone := f["everyone"]
	_, private := f["private"]
	switch kind {
	case "user":
		e.Kind, e.Payload = engine.KindUserCreated, &engine.UserCreated{Username: f["name"], Admin: admin}
		if e.User.IsZero() {
			e.User = e.ID()
		}
	case "rename":
		e.Kind, e.Payload = engine.KindUserUpdated, &engine.UserUpdated{Username: f.opt("name"), Password: f.opt("password")}
	case "nodekey":
		e.Kind, e.Payload = engine.KindNodeKey, &engine.NodeKey{Public: []byte(f["key"])}
	case "later":
		e.Kind = 200 // of a later version
	case "room":
		e.Kind, e.Payload = engine.KindRoomCreated, &engine.RoomCreated{Name: f["name"], Private: private, Members: []engine.MemberRole{{User: e.User, Role: engine.RoleOwner}}}
		if e.Room.IsZero() {
			e.Room = e.ID()
		}
	case "set":
		e.Kind, e.Payload = engine.KindRoomUpdated, &engine.RoomUpdated{Name: f.opt("name"), Topic: f.opt("topic")}
	case "drop":
		e.Kind, e.Payload = engine.KindRoomDeleted, &engine.RoomDeleted{}
	case "member":
		e.Kind, e.Payload = engine.KindMemberSet, &engine.MemberSet{Role: engine.Role(role)}
	case "post":
		e.Kind, e.Payload = engine.KindPosted, &engine.Posted{Body: f["body"], Nonce: f["nonce"], ReplyTo: r.id(f["reply"]), Mentions: r.list(f["mention"]), Everyone: everyone}
	case "edit":
		e.Kind, e.Payload = engine.KindEdited, &engine.Edited{Message: r.id(f["message"]), Body: f["body"], Mentions: r.list(f["mention"]), Everyone: everyone}
	case "delete":
		e.Kind, e.Payload = engine.KindDeleted, &engine.Deleted{Message: r.id(f["message"])}
	case "react", "unreact":
		e.Kind, e.Payload = engine.KindReacted, &engine.Reacted{Message: r.id(f["message"]), Emoji: f["emoji"], Remove: kind == "unreact"}
	case "read":
		e.Kind, e.Payload = engine.KindRead, &engine.Read{Message: r.id(f["message"])}
	default:
		r.t.Fatalf("unknown kind %q", kind)
	}
}

func (r *transcript) query(cmd string, f fields) string {
	switch cmd {
	case "store":
		r.store(f[""])
		return show(nil, "of %c", rune(r.s.Origin()))
	case "seed":
		return r.seed(f[""])
	case "key":
		_, err := r.s.NodeKey(engine.Origin(f[""][0]))
		return show(err, "known")
	case "conflicts":
		limit, _ := strconv.Atoi(f[""])
		list, err := r.s.Conflicts(limit)
		return show(err, "%v", list)
	case "user":
		u, err := r.s.User(r.id(f[""]))
		return show(err, "%s %s", u.Username, u.Role)
	case "named":
		u, err := r.s.UserNamed(f["user"])
		if f["room"] != "" {
			u, err = r.s.RoomNamed(f["room"])
		}
		return show(err, "%s", u)
	case "room":
		v, err := r.s.Room(r.id(f[""]))
		return show(err, "%s topic=%q private=%v direct=%v members=%d", v.Name, v.Topic, v.Private, v.Direct, v.Members)
	case "unread":
		u, err := r.s.Unread(r.id(f["room"]), r.id(f["user"]))
		return show(err, "messages=%d mentions=%d last=%s", u.Messages, u.Mentions, u.LastRead)
	case "history", "replies":
		return r.history(cmd, f)
	case "dump":
		var b strings.Builder
		err := r.s.Dump(&b)
		return show(err, "%s", strings.TrimSpace(b.String()))
	}
	r.t.Fatalf("unknown command %q", cmd)
	return ""
}

func (r *transcript) history(cmd string, f fields) string {
	limit, _ := strconv.Atoi(f["limit"])
	rg := engine.Range{Before: r.id(f["before"]), After: r.id(f["after"]), Around: r.id(f["around"]), Limit: limit}
	p, err := r.s.History(r.id(f["room"]), rg, r.id(f["reader"]))
	if cmd == "replies" {
		p, err = r.s.Replies(r.id(f["room"]), r.id(f["parent"]), rg, r.id(f["reader"]))
	}
	var b strings.Builder
	for _, m := range p.Items {
		fmt.Fprintf(&b, "%s %s %q deleted=%v edited=%v reactions=%v mentions=%v\n", m.ID, m.User, m.Body, m.Deleted, m.EditedAt != 0, m.Reactions, m.Mentions)
	}
	if p.Prev != nil {
		fmt.Fprintf(&b, "prev %s ", p.Prev)
	}
	if p.Next != nil {
		fmt.Fprintf(&b, "next %s", p.Next)
	}
	return show(err, "%s", strings.TrimSpace(b.String()))
}

func show(err error, format string, args ...any) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf(format, args...)
}
