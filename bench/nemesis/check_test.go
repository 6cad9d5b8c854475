package nemesis

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

// story is a small history in which all is well, and the answers to it: two
// users, one room, two nodes. Each test spoils it in one way.
//
// Ann posts A1, edits it, and reads the edit; Ben posts B1, which Ann has seen
// before she posts A2 with a position, removes A3, joins the porch and marks A1 as
// read. Ben's session resumes once.
type story struct {
	h History
	a Answers

	a1, a2, a3, b1         *Op
	edit, remove, reaction *Op
	join, mark, read       *Op
}

const (
	ann  = "USER-ANN"
	ben  = "USER-BEN"
	hall = "HALL"
	yard = "PORCH"
)

func newStory() *story {
	s := &story{}
	s.h.Users = []string{ann, ben}
	s.a1 = s.op(0, Op{Seq: 1, Kind: Post, Room: hall, Message: "ID1", Nonce: "a1", Value: "first", Base: 2, Attempts: 1})
	s.edit = s.op(0, Op{Seq: 2, Kind: Edit, Room: hall, Message: "ID1", Value: "first, edited", Base: 1, Of: s.a1})
	s.read = s.op(0, Op{Seq: 3, Kind: Read, Room: hall, Of: s.edit, Saw: "first, edited", Base: 1})
	s.b1 = s.op(1, Op{Seq: 1, Kind: Post, Room: hall, Message: "ID2", Nonce: "b1", Value: "second", Base: 2, Attempts: 1})
	s.a2 = s.op(0, Op{Seq: 4, Kind: Post, Room: hall, Message: "ID3", Nonce: "a2", Value: "third", Base: 1, Above: "ID2", Beyond: "ID2", Attempts: 1})
	s.a3 = s.op(0, Op{Seq: 5, Kind: Post, Room: hall, Message: "ID4", Nonce: "a3", Value: "fourth", Base: 1, Above: "ID3", Attempts: 1})
	s.remove = s.op(0, Op{Seq: 6, Kind: Delete, Room: hall, Message: "ID4", Value: gone, Base: 1, Of: s.a3})
	s.join = s.op(0, Op{Seq: 7, Kind: Join, Room: yard, Value: on, Base: 1})
	s.mark = s.op(0, Op{Seq: 8, Kind: Mark, Room: hall, Value: "ID1", Base: 1})
	s.reaction = s.op(1, Op{Seq: 2, Kind: React, Room: hall, Message: "ID1", Emoji: "+", Value: on, Base: 1})
	s.a.Nodes = []NodeAnswers{s.node(0), s.node(1)}
	s.h.Sessions = []*Session{s.session(0), s.session(1)}
	for i := range 2 {
		s.a.Present = append(s.a.Present, Seen{Node: i, Room: hall, Online: []string{ann, ben}, Want: []string{ben, ann}})
		s.a.Gone = append(s.a.Gone, Seen{Node: i, Room: hall})
	}
	return s
}

// op adds an operation of a client that is done, a second after the one before.
func (s *story) op(who int, o Op) *Op {
	o.Client, o.Outcome, o.Level = who, Done, "one"
	o.Start = time.Duration(1+len(s.h.Ops)) * time.Second
	o.End = o.Start + time.Millisecond
	s.h.Ops = append(s.h.Ops, &o)
	return &o
}

func (s *story) node(i int) NodeAnswers {
	return NodeAnswers{
		Node: i,
		Rooms: map[string][]Message{hall: {
			{ID: "ID1", User: ann, Nonce: "a1", Body: "first, edited", Reactions: map[string]int{"+": 1}, Raw: 1},
			{ID: "ID2", User: ben, Nonce: "b1", Body: "second", Raw: 2},
			{ID: "ID3", User: ann, Nonce: "a2", Body: "third", Raw: 3},
			{ID: "ID4", User: ann, Nonce: "a3", Deleted: true, Raw: 4},
		}},
		Documents: map[string]string{"/rooms": "the rooms"},
		Members:   map[string]string{yard + "/" + ann: on},
		Marks:     map[string]string{hall + "/" + ann: "ID1"},
	}
}

// session was told of everything; its connection broke once, and what came
// after the checkpoint came again.
func (s *story) session(who int) *Session {
	at := func(o *Op) time.Duration { return o.End + time.Millisecond }
	return &Session{Client: who, Rooms: []string{hall}, Closed: time.Hour, Told: []Told{
		{Conn: 1, Type: client.TypeReady},
		{At: at(s.a1), Conn: 1, Type: client.TypeMessage, Room: hall, ID: "ID1", Body: hash("first")},
		{At: at(s.edit), Conn: 1, Type: client.TypeMessageEdited, Room: hall, ID: "ID1", Body: hash("first, edited")},
		{At: at(s.b1), Conn: 1, Type: client.TypeMessage, Room: hall, ID: "ID2", Body: hash("second")},
		{At: at(s.b1), Conn: 2, Type: client.TypeReady, Flag: true},
		{At: at(s.b1), Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID2", Body: hash("second")},
		{At: at(s.a2), Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID3", Body: hash("third")},
		{At: at(s.a3), Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID4", Body: hash("fourth")},
		{At: at(s.remove), Conn: 2, Type: client.TypeMessageDeleted, Room: hall, ID: "ID4"},
		{At: at(s.reaction), Conn: 2, Type: client.TypeReaction, Room: hall, ID: "ID1", Emoji: "+", Count: 1},
	}}
}

// drop has every node forget a message.
func (s *story) drop(id string) {
	for i := range s.a.Nodes {
		s.a.Nodes[i].Rooms[hall] = slices.DeleteFunc(s.a.Nodes[i].Rooms[hall], func(m Message) bool { return m.ID == id })
	}
}

// change has every node show a message otherwise.
func (s *story) change(id string, to func(*Message)) {
	for i := range s.a.Nodes {
		list := s.a.Nodes[i].Rooms[hall]
		for j := range list {
			if list[j].ID == id {
				list[j].Reactions = maps.Clone(list[j].Reactions)
				to(&list[j])
			}
		}
	}
}

// untell takes events out of Ann's session.
func (s *story) untell(what func(Told) bool) {
	s.h.Sessions[0].Told = slices.DeleteFunc(s.h.Sessions[0].Told, what)
}

func (s *story) told(t Told) { s.h.Sessions[0].Told = append(s.h.Sessions[0].Told, t) }

func (s *story) wipe() {
	s.h.Faults = append(s.h.Faults, Struck{Fault: Fault{Trouble: Wipe}, Start: 1, Healed: 2, Converged: 3})
}

func names(id string) func(Told) bool { return func(t Told) bool { return t.ID == id } }

// The checker finds what each history has, and nothing else.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  []string // crimes
		spoil func(s *story)
	}{
		{"all is well", nil, func(*story) {}},

		{"I1: an acknowledged message is nowhere", []string{"1 lost"}, func(s *story) { s.drop("ID3"); s.untell(names("ID3")); s.h.Sessions = nil }},
		{"I1: lost although it was on another disk too", []string{"1 lost"}, func(s *story) { s.wipe(); s.drop("ID3"); s.h.Sessions = nil }},
		{"I1: lost, durable on one node, and no disk went", []string{"1 lost"}, func(s *story) { s.a2.Level = "local"; s.drop("ID3"); s.h.Sessions = nil }},
		{"local writes may go with a disk", nil, func(s *story) { s.wipe(); s.a2.Level = "local"; s.drop("ID3") }},
		{"a message that was not acknowledged may be nowhere", nil, func(s *story) { s.a2.Outcome = Unknown; s.drop("ID3"); s.h.Sessions = nil }},
		{"I1: an acknowledged edit is gone", []string{"1 lost", "2 misled"}, func(s *story) { s.change("ID1", func(m *Message) { m.Body = "first" }) }},
		{"an edit without an answer may come or not", nil, func(s *story) {
			s.edit.Outcome, s.h.Sessions = Unknown, nil
			s.change("ID1", func(m *Message) { m.Body = "first" })
		}},
		{"I1: an earlier edit wins over a later one that knew of it", []string{"1 lost"}, func(s *story) {
			s.op(0, Op{Seq: 9, Kind: Edit, Room: hall, Message: "ID1", Value: "first, edited again", Base: 1})
		}},
		{"a later edit that did not know of the earlier may lose", nil, func(s *story) {
			s.op(0, Op{Seq: 9, Kind: Edit, Room: hall, Message: "ID1", Value: "first, edited again", Base: 9})
		}},
		{"I1: a deletion is undone", []string{"1 lost", "2 misled"}, func(s *story) { s.change("ID4", func(m *Message) { m.Deleted, m.Body = false, "fourth" }) }},
		{"I1: a reaction is lost", []string{"1 lost", "2 misled"}, func(s *story) { s.change("ID1", func(m *Message) { m.Reactions = nil }) }},
		{"I1: a reaction counts twice", []string{"1 lost", "2 misled"}, func(s *story) { s.change("ID1", func(m *Message) { m.Reactions["+"] = 2 }) }},
		{"I1: a membership is lost", []string{"1 lost"}, func(s *story) { delete(s.a.Nodes[1].Members, yard+"/"+ann) }},
		{"I1: a read marker goes back", []string{"1 lost"}, func(s *story) { s.a.Nodes[0].Marks[hall+"/"+ann] = "ID0" }},

		{"I7: one nonce is two messages", []string{"2 doubled"}, func(s *story) {
			for i := range s.a.Nodes {
				s.a.Nodes[i].Rooms[hall] = append(s.a.Nodes[i].Rooms[hall], Message{ID: "ID5", User: ann, Nonce: "a2", Body: "third", Raw: 5})
			}
			s.h.Sessions = nil
		}},
		{"I7: a repeat that became the message is none", nil, func(s *story) {
			s.a2.Attempts = 2
			s.change("ID3", func(m *Message) { m.ID = "ID2X" })
			for _, session := range s.h.Sessions {
				session.Told = append(session.Told,
					Told{At: time.Minute, Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID2X", Body: hash("third")},
					Told{At: time.Minute, Conn: 2, Type: client.TypeMessageDeleted, Room: hall, ID: "ID3", Flag: true})
			}
		}},
		{"I2: a connection is told one message twice", []string{"1 doubled"}, func(s *story) {
			s.told(Told{At: time.Minute, Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID3", Body: hash("third")})
		}},
		{"a message may be told again when a repeat of its nonce was merged", nil, func(s *story) {
			s.a2.Attempts = 2
			s.told(Told{At: time.Minute, Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID3", Body: hash("third")})
		}},

		{"I4: a node shows a room out of order", []string{"1 reordered"}, func(s *story) {
			list := s.a.Nodes[0].Rooms[hall]
			list[1], list[2] = list[2], list[1]
		}},
		{"I4: a post sorts before what its author had seen", []string{"1 reordered"}, func(s *story) { s.a2.Above = "ID3X" }},
		{"a post may sort before what no node could know of", nil, func(s *story) { s.a2.Beyond = "ID3X" }},

		{"I8: a read shows what was before an edit", []string{"1 stale"}, func(s *story) { s.read.Saw = "first" }},
		{"I8: a read does not find a post", []string{"1 stale"}, func(s *story) { s.read.Of, s.read.Saw = s.a1, missing }},
		{"I8: a read does not find a membership", []string{"1 stale"}, func(s *story) { s.read.Seq, s.read.Of, s.read.Saw = 9, s.join, off }},
		{"I8: a read finds an older marker", []string{"1 stale"}, func(s *story) { s.read.Seq, s.read.Of, s.read.Saw = 9, s.mark, "ID0" }},
		{"a read finds a newer marker", nil, func(s *story) { s.read.Seq, s.read.Of, s.read.Saw = 9, s.mark, "ID3" }},
		{"a read without a position may be old", nil, func(s *story) { s.read.Base, s.read.Saw = 3, "first" }},
		{"a read may show a write without an answer", nil, func(s *story) {
			s.op(0, Op{Seq: 3, Kind: Edit, Room: hall, Message: "ID1", Value: "first, edited again", Base: 1}).Outcome = Unknown
			s.read.Seq, s.read.Saw = 4, "first, edited again"
		}},
		{"I8: a write with a position does not find its message", []string{"1 stale"}, func(s *story) {
			o := s.op(0, Op{Seq: 9, Kind: Edit, Room: hall, Message: "ID1", Value: "x", Base: 1, Of: s.a1})
			o.Outcome, o.Why = Refused, "not_found"
		}},

		{"I5: a session is never told of a message", []string{"1 missed"}, func(s *story) { s.untell(names("ID3")) }},
		{"a session need not be told of what was before it", nil, func(s *story) {
			s.untell(names("ID1"))
			s.h.Sessions[0].Told[0].At = s.a1.End
		}},
		{"I5: a session needs to be told of what came while it was away", []string{"1 missed"}, func(s *story) {
			s.untell(func(t Told) bool { return t.ID == "ID3" })
			s.h.Sessions[0].Told[4].At = s.a2.End
		}},
		{"after a reset what was before it is not owed", nil, func(s *story) {
			s.untell(func(t Told) bool { return t.ID == "ID3" })
			s.told(Told{At: time.Minute, Conn: 2, Type: client.TypeReset})
		}},
		{"I5: after a reset what comes is", []string{"1 missed"}, func(s *story) {
			s.untell(func(t Told) bool { return t.ID == "ID4" })
			s.h.Sessions[0].Told = slices.Insert(s.h.Sessions[0].Told, 5, Told{At: s.b1.End + 2*time.Millisecond, Conn: 2, Type: client.TypeReset})
		}},
		{"I5: a session is not told of an edit", []string{"1 misled"}, func(s *story) { s.untell(func(t Told) bool { return t.Type == client.TypeMessageEdited }) }},
		{"I5: a session is not told of a deletion", []string{"1 misled"}, func(s *story) { s.untell(func(t Told) bool { return t.Type == client.TypeMessageDeleted }) }},
		{"I5: a session is not told of a reaction", []string{"1 misled"}, func(s *story) { s.untell(func(t Told) bool { return t.Type == client.TypeReaction }) }},
		{"I5: a session is told that a message is a repeat, and it stands", []string{"1 misled"}, func(s *story) {
			s.told(Told{At: time.Minute, Conn: 2, Type: client.TypeMessageDeleted, Room: hall, ID: "ID3", Flag: true})
		}},
		{"I5: a session is told of a message that is nowhere", []string{"1 misled"}, func(s *story) {
			s.told(Told{At: time.Minute, Conn: 2, Type: client.TypeMessage, Room: hall, ID: "ID9", Body: 1})
		}},
		{"I5: a user has no session", []string{"1 missed"}, func(s *story) { s.h.Sessions[0].Told = nil }},

		{"I3: a message is on one node only", []string{"1 differing"}, func(s *story) {
			s.a.Nodes[1].Rooms[hall] = slices.Delete(s.a.Nodes[1].Rooms[hall], 1, 2)
		}},
		{"I3: a message differs", []string{"1 differing"}, func(s *story) { s.a.Nodes[1].Rooms[hall][1].Raw = 99 }},
		{"I3: a list differs", []string{"1 differing"}, func(s *story) { s.a.Nodes[1].Documents["/rooms"] = "other rooms" }},
		{"I3: a room is on one node only", []string{"4 differing"}, func(s *story) { delete(s.a.Nodes[1].Rooms, hall) }},

		{"a message that nobody posted", []string{"1 invented"}, func(s *story) { s.a1.Nonce, s.a1.Outcome = "y", Unknown }},
		{"a message that was refused", []string{"1 invented"}, func(s *story) { s.a2.Outcome = Refused }},
		{"a message in another room", []string{"1 invented"}, func(s *story) { s.a2.Room = yard }},
		{"a body that nobody wrote", []string{"1 invented", "2 misled"}, func(s *story) { s.change("ID2", func(m *Message) { m.Body = "x" }) }},

		{"presence: one who has gone is shown", []string{"1 zombie"}, func(s *story) { s.a.Gone[1].Online = []string{ben} }},
		{"presence: one who is there is not shown", []string{"1 absent"}, func(s *story) { s.a.Present[0].Online = []string{ann} }},
		{"presence: one who is not there is shown", []string{"1 zombie"}, func(s *story) { s.a.Present[0].Want = []string{ann} }},

		{"a node does not converge", []string{"1 divergent"}, func(s *story) { s.h.Faults = []Struck{{Failed: "node 1 is silent"}} }},
		{"nodes do not come right at the end", []string{"1 divergent"}, func(s *story) { s.h.Unhealed = []string{"x"} }},
		{"a node does not answer", []string{"1 unanswered"}, func(s *story) { s.h.Unanswered = []string{"x"} }},
		{"a good token is refused", []string{"1 ejected"}, func(s *story) { s.h.Ejected = []string{"x"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory()
			c.spoil(s)
			v := Check(&s.h, &s.a)
			if got := v.Guilty(); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v\n%s", got, c.want, strings.Join(v.Details, "\n"))
			}
		})
	}
}

// What local can lose is counted.
func TestCheckCountsLocalLosses(t *testing.T) {
	s := newStory()
	s.wipe()
	s.a2.Level, s.edit.Level = "local", "local"
	s.drop("ID3")
	s.change("ID1", func(m *Message) { m.Body = "first" })
	v := Check(&s.h, &s.a)
	if len(v.Guilty()) > 0 || v.LostLocal[Post] != 1 || v.LostLocal[Edit] != 1 {
		t.Errorf("found %v and local losses %v\n%s", v.Guilty(), v.LostLocal, strings.Join(v.Details, "\n"))
	}
	if s.a2.Beyond = "ID9"; Check(&s.h, &s.a).Unordered != 1 {
		t.Error("a post before what its author had seen elsewhere is not counted")
	}
}

// A session that never resumed proves nothing about resumes: they are counted.
func TestCheckCountsResumes(t *testing.T) {
	s := newStory()
	s.told(Told{At: time.Minute, Conn: 3, Type: client.TypeReady})
	s.told(Told{At: time.Minute, Conn: 3, Type: client.TypeReset})
	v := Check(&s.h, &s.a)
	if v.Resumes != 2 || v.Resets != 1 || v.Expected != 4 {
		t.Errorf("counted %d resumes, %d resets and %d messages; want 2, 1 and 4", v.Resumes, v.Resets, v.Expected)
	}
	if v.Reads != 1 || v.Ordered != 2 {
		t.Errorf("counted %d reads and %d ordered posts; want 1 and 2", v.Reads, v.Ordered)
	}
}
