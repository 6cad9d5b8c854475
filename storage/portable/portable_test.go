package portable

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine"
)

var rewrite = flag.Bool("portable.rewrite", false, "write the example of the docs anew")

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// encode is how stores encode payloads.
var encode = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

const testOrigin = engine.Origin(0x7f97c18515774584)

// log makes events of one origin.
type log struct {
	t      testing.TB
	events []*engine.Event
}

func (l *log) add(k engine.Kind, room, user engine.ID, payload any) *engine.Event {
	l.t.Helper()
	n := len(l.events)
	e := &engine.Event{Origin: testOrigin, Seq: uint64(n + 1), Stamp: engine.Stamp(1_790_000_000_000+n*1500) << 16, Kind: k, Room: room, User: user}
	if data, ok := payload.([]byte); ok {
		e.Data = data
	} else {
		var err error
		if e.Data, err = encode.Marshal(payload); err != nil {
			l.t.Fatal(err)
		}
	}
	l.events = append(l.events, e)
	return e
}

func (l *log) header() Header {
	return Header{
		Version: Version, Program: "1.0.0", Node: testOrigin.String(), At: 1_790_000_100_000,
		Position: engine.Position{}.With(testOrigin, uint64(len(l.events))), Bodies: BodiesShown,
	}
}

func (l *log) write(h Header, fate func(*engine.Event) Fate) string {
	l.t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range l.events {
		if err := w.Event(e, fate(e)); err != nil {
			l.t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	return b.String()
}

func (l *log) whole() string {
	h := l.header()
	h.Bodies, h.Secrets = BodiesAll, true
	return l.write(h, func(*engine.Event) Fate { return Replaced | gone })
}

// readAll reads a file to its end.
func readAll(file string) (events []*engine.Event, err error) {
	r, err := NewReader(strings.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

func text(s string) *string { return &s }
func flagged(b bool) *bool  { return &b }

// example is a log with every kind, and what is unusual in each.
func example(t testing.TB) *log {
	l := &log{t: t}
	zero, room := engine.ID{}, engine.ID{0xFE, 1}
	l.add(engine.KindNodeKey, zero, zero, &engine.NodeKey{Public: []byte{1, 2, 3}})
	ada := engine.MakeID(engine.Stamp(1_790_000_001_500)<<16, testOrigin)
	l.add(engine.KindUserCreated, zero, ada, &engine.UserCreated{Username: "ada", DisplayName: "Ada \"Countess\" \\ \x01\n🎉", Password: "$argon2id$old", Admin: true, Invite: engine.ID{4}})
	l.add(engine.KindUserUpdated, zero, ada, &engine.UserUpdated{DisplayName: text(""), Password: text("$argon2id$new"), Admin: flagged(false), Username: text("ada.l")})
	l.add(engine.KindTokenIssued, zero, ada, &engine.TokenIssued{Token: engine.ID{3}, Expires: 1_790_000_000_000, Agent: "curl"})
	l.add(engine.KindTokenRevoked, zero, ada, &engine.TokenRevoked{Token: engine.ID{3}, Expires: 1_790_000_000_000})
	l.add(engine.KindRoomCreated, room, ada, &engine.RoomCreated{Name: "tea", Topic: "t", Private: true, Members: []engine.MemberRole{{User: ada, Role: engine.RoleOwner}, {User: engine.ID{9}}}})
	l.add(engine.KindRoomUpdated, room, ada, &engine.RoomUpdated{Topic: text("biscuits"), By: ada})
	l.add(engine.KindMemberSet, room, engine.ID{9}, &engine.MemberSet{Role: engine.RoleModerator, By: ada})
	post := l.add(engine.KindPosted, room, ada, &engine.Posted{Body: "Tea?", Nonce: "n1", Mentions: []engine.ID{ada, {9}}, Everyone: true, Files: []engine.Attachment{{ID: engine.ID{8}, Name: "a.png", Size: 1 << 40, Type: "image/png"}}})
	l.add(engine.KindPosted, room, ada, &engine.Posted{Body: "Yes", ReplyTo: post.ID()})
	l.add(engine.KindEdited, room, ada, &engine.Edited{Message: post.ID(), Body: "Tea!", Mentions: []engine.ID{ada}})
	l.add(engine.KindReacted, room, ada, &engine.Reacted{Message: post.ID(), Emoji: "🎉", Remove: true})
	l.add(engine.KindRead, room, ada, &engine.Read{Message: post.ID()})
	l.add(engine.KindDeleted, room, ada, &engine.Deleted{Message: post.ID()})
	l.add(engine.KindRoomDeleted, room, ada, &engine.RoomDeleted{By: ada})
	l.add(engine.KindRoomDeleted, room, ada, &engine.RoomDeleted{})
	l.add(200, room, zero, []byte("from a later version"))
	l.add(201, zero, zero, []byte{})
	// A field that a later version added, one that nobody would encode so, and a role that there is not.
	l.add(engine.KindRoomDeleted, room, ada, map[uint64]any{1: ada[:], 300: []any{"new", 1.5, map[uint64]bool{1: true}}})
	l.add(engine.KindRoomDeleted, room, ada, []byte{0xA1, 0x18, 0x01, 0x40})
	l.add(engine.KindMemberSet, room, ada, map[uint64]uint64{1: 4})
	return l
}

// Every kind comes back to the byte.
func TestRoundTrip(t *testing.T) {
	l := example(t)
	events, err := readAll(l.whole())
	if err != nil || len(events) != len(l.events) {
		t.Fatalf("%d events of %d, %v", len(events), len(l.events), err)
	}
	for i, e := range events {
		a, _ := e.AppendBinary(nil)
		if b, _ := l.events[i].AppendBinary(nil); !bytes.Equal(a, b) {
			t.Errorf("event %d:\n got %x\nwant %x", i+1, a, b)
		}
	}
}

// The form is stable: what was written once is written so for ever. Only ever add to this file.
func TestFormIsStable(t *testing.T) {
	const path = "testdata/whole.jsonl"
	got := example(t).whole()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); got != want {
		t.Errorf("%s is no longer what is written:\n%s", path, got)
	}
}

// What stays behind is named, is gone from the line, and the line still makes an event.
func TestWithheld(t *testing.T) {
	l := example(t)
	file := l.write(l.header(), func(e *engine.Event) Fate {
		if e.Kind == engine.KindPosted || e.Kind == engine.KindEdited {
			return Deleted
		}
		return 0
	})
	for _, secret := range []string{"argon2id", "curl", "Tea", "a.png", engine.ID{3}.String() + `","expires_at":"2026-09-21T14:13:20.000Z","agent`} {
		if strings.Contains(file, secret) {
			t.Errorf("%q is in the file", secret)
		}
	}
	for _, line := range []string{
		`"kind":"message_posted","room":"7Y04000000000000000000000","user":"`,
		`"body":"","nonce":"n1","withheld":["body","mentions","everyone","attachments"]}`,
		`"kind":"message_edited"`, `"body":"","withheld":["body","mentions"]}`,
		`"admin":false,"username":"ada.l","withheld":["password"]}`,
		`"password":"","admin":true`, `"withheld":["token","expires_at","agent"]}`,
	} {
		if !strings.Contains(file, strings.Replace(line, "7Y04000000000000000000000", engine.ID{0xFE, 1}.String(), 1)) {
			t.Errorf("not in the file: %s\n%s", line, file)
		}
	}
	if _, err := readAll(file); err != nil {
		t.Error(err)
	}
}

// Content that cannot be read is not passed on where something of it must stay behind.
func TestWithheldWhole(t *testing.T) {
	l := &log{t: t}
	l.add(engine.KindUserUpdated, engine.ID{}, engine.ID{1}, []byte{0xA1, 0x18, 0x02, 0x63, 'p', 'h', 'c'})
	if file := l.write(l.header(), func(*engine.Event) Fate { return 0 }); !strings.Contains(file, `"data":"oA==","withheld":["data"]}`) {
		t.Error(file)
	}
	if file := l.whole(); !strings.Contains(file, `"data":"oRgCY3BoYw=="}`) {
		t.Error(file)
	}
}

// hostile are files that are wrong in one place, each with what the error says.
var hostile = []struct{ name, old, new, want string }{
	{"no JSON", `{"origin":"7f97c18515774584","seq":2,`, `{"origin":`, "line 3: read JSON: "},
	{"bytes that are no UTF-8", `"ada.l"`, "\"\xff\"", "line 4: read JSON: "},
	{"half a surrogate pair", `"ada.l"`, `"\ud800"`, "line 4: read JSON: "},
	{"a name twice", `"seq":2,`, `"seq":2,"seq":2,`, "line 3: read JSON: "},
	{"no field of that kind", `"emoji":"🎉"`, `"emoij":"🎉"`, "line 13: emoij: there is no such field of reaction_set"},
	{"a field of an unknown kind", `"kind":"kind_201",`, `"kind":"kind_201","body":"",`, "line 19: body: there is no such field of a kind that is not known"},
	{"a later version's kind", `"kind":"reaction_set"`, `"kind":"poll_made"`, `line 13: kind: there is no "poll_made": a later version of klatch may know it`},
	{"no kind", `"kind":"kind_200"`, `"kind":"kind_256"`, "line 18: kind: "},
	{"a type", `"admin":true`, `"admin":"true"`, "line 3: admin: a string where true or false should be"},
	{"a type of all", `"seq":5,`, `"seq":"5",`, "line 6: seq: a string where a number should be"},
	{"half a number", `"seq":5,`, `"seq":5.5,`, "line 6: seq: 5.5 is not a whole number"},
	{"an array", `"mentions":["`, `"mentions":[1,"`, "line 10: mentions: a number where a string should be"},
	{"an object", `"members":[{`, `"members":[[],{`, "line 7: members: an array where an object should be"},
	{"inside an object", `"role":"owner"`, `"role":"king"`, `line 7: members: role: "king" is not a role`},
	{"a name inside an object", `"role":"owner"`, `"rule":"owner"`, "line 7: members: rule: there is no such field"},
	{"deep nesting", `"mentions":[`, `"mentions":[` + strings.Repeat("[", 20_000), "line 10: read JSON: "},
	{"an array in an array", `"mentions":[`, `"mentions":[[[]],`, "line 10: mentions: an array where a string should be"},
	{"an id", `"user":"0`, `"user":"U`, "line 3: user: id "},
	{"an id of another origin", `"seq":3,"id":"`, `"seq":3,"id":"01K5NY9GZ00000000000000000","was":"`, "line 4: id: it is not of this origin"},
	{"a time", `"expires_at":"2026-`, `"expires_at":"26-`, "line 5: expires_at: "},
	{"a time that is not the id's", `"seq":3,`, `"seq":3,"at":"2026-01-01T00:00:00.000Z",`, "line 4: read JSON: "},
	{"base64", `"data":"Zn`, `"data":"?n`, "line 18: data: it is not base64"},
	{"content beside content", `,"extra":`, `,"data":"","extra":`, "line 20: data: it stands beside fields of its content"},
	{"an extra field that is known", `"extra":{"300"`, `"extra":{"1"`, `line 20: extra: "1" is not the number of a field`},
	{"an extra field that is no CBOR", `"extra":{"300":"`, `"extra":{"300":"gg==","301":"`, "line 20: extra: 300: it is not one item of CBOR"},
	{"a field left out that there is not", `"kind":"kind_201",`, `"kind":"kind_201","withheld":["body"],`, `line 19: withheld: there is no field "body" to withhold`},
	{"a gap", `"seq":5,`, `"seq":6,`, "line 6: seq: it is 6, and 5 of origin 7f97c18515774584 comes next"},
	{"a repetition", `"seq":5,`, `"seq":4,`, "line 6: seq: it is 4, and 5 of origin"},
	{"no seq", `"seq":5,`, ``, "line 6: seq: it is missing"},
	{"no content", `"kind":"kind_201","data":""`, `"kind":"kind_201"`, "line 19: data: it is missing"},
	{"another body", `"Yes"`, `"No"`, "line 23: sha256: the lines before it are not those that were written"},
	{"another count", `{"events":21`, `{"events":20`, "line 23: events: it counts 20, and 21 came"},
	{"a version of the form", `"klatch_export":1`, `"klatch_export":2`, "line 1: klatch_export: it is of version 2 of the form; this program knows 1"},
	{"a name in the header", `"secrets":true`, `"sekrets":true`, "line 1: read JSON: "},
	{"bodies", `"bodies":"all"`, `"bodies":"some"`, `line 1: bodies: "some" is neither shown nor all`},
	{"an empty line", "\n{\"events\"", "\n\n{\"events\"", "line 23: read JSON: "},
	{"more than one value", `"Yes",`, `"Yes"}{`, "line 11: "},
	{"a cut line", `"Yes"`, `"Yes`, "line 11: "},
}

func TestHostileFiles(t *testing.T) {
	file := example(t).whole()
	for _, c := range hostile {
		if !strings.Contains(file, c.old) {
			t.Errorf("%s: %s is not in the file", c.name, c.old)
			continue
		}
		_, err := readAll(strings.Replace(file, c.old, c.new, 1))
		var at *LineError
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
	}
}

// What comes after the trailer, or in place of it, is refused.
func TestEnds(t *testing.T) {
	file := example(t).whole()
	trailer := strings.LastIndex(file[:len(file)-1], "\n") + 1
	for name, c := range map[string]struct{ file, want string }{
		"more":             {file + "{}\n", "line 24: it comes after the trailer"},
		"half a line more": {file + "{", "line 24: it comes after the trailer"},
		"no trailer":       {file[:trailer], "line 23: the file ends before its trailer: it was cut"},
		"half a trailer":   {file[:len(file)-1], "line 23: the file ends before its trailer: it was cut"},
		"half an event":    {file[:trailer-1], "line 22: the file ends before its trailer: it was cut"},
		"half a header":    {file[:5], "line 1: the file ends before its trailer: it was cut"},
		"nothing":          {"", "line 1: the file ends before its trailer: it was cut"},
	} {
		if _, err := readAll(c.file); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v; want %s", name, err, c.want)
		}
		if name != "more" && name != "half a line more" && !relayed(c.file, ErrCut) {
			t.Errorf("%s: a relay takes it for whole", name)
		}
	}
	if !relayed(file, nil) {
		t.Error("a relay does not take a whole file")
	}
	if relayed(strings.Replace(file, `"Yes"`, `"No"`, 1), nil) {
		t.Error("a relay takes a changed file")
	}
}

// relayed tells whether a relay that is given a file in small pieces says so of it.
func relayed(file string, want error) bool {
	r := NewRelay()
	for len(file) > 0 {
		n := min(7, len(file))
		if _, err := io.WriteString(r, file[:n]); err != nil {
			return errors.Is(err, want)
		}
		file = file[n:]
	}
	_, err := r.Close()
	return errors.Is(err, want) && (want != nil || err == nil)
}

// endless is a line without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

// I6: a line without an end is refused when it is too long, and costs no more memory.
func TestI6HugeLine(t *testing.T) {
	var line endless
	_, err := NewReader(&line)
	if err == nil || err.Error() != "line 1: it is longer than 100 MiB" || line.read > maxLine+2*writeSize {
		t.Errorf("%v after %d bytes", err, line.read)
	}
}

// FuzzContent: whatever the content of an event, its line makes the same event again.
func FuzzContent(f *testing.F) {
	for _, e := range example(f).events {
		f.Add(uint8(e.Kind), e.Data)
	}
	f.Fuzz(func(t *testing.T, number uint8, data []byte) {
		e := &engine.Event{Origin: testOrigin, Seq: 1, Stamp: 1 << 40, Kind: engine.Kind(number), Data: data}
		line, _ := new(clock).appendEvent(nil, e, 0)
		list, err := members(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got, err := parseEvent(list)
		if err != nil || !bytes.Equal(got.Data, data) || got.Kind != e.Kind {
			t.Fatalf("%v: %s\n got %x\nwant %x", err, line, got.Data, data)
		}
		withheld, _ := new(clock).appendEvent(nil, e, Replaced|gone|Secret)
		if list, err = members(withheld); err == nil {
			_, err = parseEvent(list)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, withheld)
		}
	})
}

// FuzzReader: whatever comes, reading ends, and names the line if it is no file; what is one is
// written again to the same events.
func FuzzReader(f *testing.F) {
	l := example(f)
	whole := l.whole()
	f.Add(whole)
	f.Add(l.write(l.header(), func(*engine.Event) Fate { return Replaced }))
	for _, c := range hostile {
		f.Add(strings.Replace(whole, c.old, c.new, 1))
	}
	f.Fuzz(func(t *testing.T, file string) {
		events, err := readAll(file)
		var at *LineError
		if err != nil && !errors.As(err, &at) {
			t.Fatalf("the line is not named: %v", err)
		}
		for _, e := range events {
			line, _ := new(clock).appendEvent(nil, e, 0)
			list, err := members(line)
			if err != nil {
				t.Fatal(err)
			}
			again, err := parseEvent(list)
			if err != nil || !bytes.Equal(again.Data, e.Data) || again.ID() != e.ID() {
				t.Fatalf("%+v came back as %+v, %v", e, again, err)
			}
		}
	})
}
