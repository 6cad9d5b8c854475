package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/portable"
)

// exported is a random history in a store, and what an export of it is held against.
type exported struct {
	t testing.TB
	w *world
	s *Store
}

func newExported(t testing.TB, seed uint64, pad int) *exported {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	x := &exported{t: t, w: newWorld(seed, 1+rng.IntN(4), 60+rng.IntN(120), pad), s: openMem(t, vfs.NewMem())}
	t.Cleanup(func() { x.s.Close() })
	(&node{t: t, s: x.s, w: x.w, rng: rng}).applyTo(x.w.end())
	return x
}

func (x *exported) export(o ExportOptions) []byte {
	x.t.Helper()
	return exportOf(x.t, x.s, o)
}

func exportOf(t testing.TB, s *Store, o ExportOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.Export(t.Context(), &b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// imported is a new store with what a file holds.
func imported(t testing.TB, file []byte) *Store {
	t.Helper()
	s := openMem(t, vfs.NewMem())
	t.Cleanup(func() { s.Close() })
	if _, err := s.Import(t.Context(), bytes.NewReader(file), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// events are the lines of a file between its header and its trailer.
func eventLines(file []byte) []string {
	lines := strings.SplitAfter(string(file), "\n")
	return lines[1 : len(lines)-2]
}

var wholeExport = ExportOptions{Everything: true, Secrets: true}

func eachExported(t *testing.T, pad int, run func(x *exported)) {
	for i := range max(*histories/5, 5) {
		seed := *firstSeed + uint64(i)
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { run(newExported(t, seed, pad)) }) {
			return
		}
	}
}

// I3: a store that was made from a whole export is the same to the byte, but for
// its own origin, and so is an export of it; kinds of later versions are in it.
func TestI3ExportAndImport(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		file := x.export(wholeExport)
		s := imported(x.t, file)
		if want, got := dumpOf(x.t, x.s), dumpOf(x.t, s); want != got {
			x.t.Fatalf("the stores differ:\n%s", firstDifference(want, got))
		}
		if s.Origin() == x.s.Origin() {
			x.t.Error("I2: the new store has the old one's origin")
		}
		if again := exportOf(x.t, s, wholeExport); !slices.Equal(eventLines(again), eventLines(file)) {
			x.t.Error("an export of the import differs")
		}
	})
}

// I3: without bodies that nobody sees, the views are the same as clients see them.
// Beside what the log says itself, only the posts of edited and deleted messages and of those in
// deleted rooms differ, and the edits of the latter two.
func TestI3ExportAsShown(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		s := imported(x.t, x.export(ExportOptions{Secrets: true}))
		o := newOracle(x.w.all)
		for line := range differences(dumpOf(x.t, x.s), dumpOf(x.t, s)) {
			if !x.mayDiffer(o, line) {
				x.t.Errorf("differs: %s", line)
			}
		}
		c := &check{t: x.t, s: s, o: o, w: x.w, rng: x.w.rng}
		c.users(s, s)
		c.rooms(s)
		c.secrets(s)
		c.nonces(s)
		for _, room := range o.roomIDs() {
			if o.room(room).made {
				c.eachMessage(s, room)
				c.history(room)
				c.members(room)
			}
		}
		c.conflicts()
		c.roomOf()
		c.unread()
		c.roomsOf()
		c.publicRooms()
	})
}

// I3: of an export that ends before the store does, as one that is resumed may, the same holds: what
// happened after its end takes nothing away from it.
func TestI3ExportThroughAsShown(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		middle := x.somewhere()
		s := imported(x.t, x.export(ExportOptions{Secrets: true, Through: middle}))
		o := newOracle(x.w.upTo(middle))
		for line := range differences(dumpAt(x.t, x.w, middle), dumpOf(x.t, s)) {
			if !x.mayDiffer(o, line) {
				x.t.Errorf("differs: %s", line)
			}
		}
	})
}

// somewhere is a position between the beginning and the end.
func (x *exported) somewhere() (p engine.Position) {
	for _, o := range x.w.origins {
		p = p.With(o, uint64(x.w.rng.IntN(len(x.w.logs[o])+1)))
	}
	return p
}

// I4: events of one stamp come in order of their origins.
func TestI4ExportOfAlikeStamps(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for origin := range engine.Origin(3) {
		p := newPoster(s)
		for range 40 {
			e := p.next()
			e.Origin = origin + 1
			if _, _, err := tx.Append(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := imported(t, exportOf(t, s, wholeExport)).Position(); !got.Equal(s.Position()) {
		t.Errorf("%v came of %v", got, s.Position())
	}
}

// differences are the lines that one of two dumps alone has.
func differences(a, b string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(a) {
		out[line] = true
	}
	for line := range strings.Lines(b) {
		if out[line] {
			delete(out, line)
		} else {
			out[line] = true
		}
	}
	return out
}

func (x *exported) mayDiffer(o *oracle, line string) bool {
	words := strings.Fields(line)
	switch words[0] {
	case "L":
		var seq uint64
		fmt.Sscan(words[2], &seq)
		origin, _ := engine.ParseOrigin(words[1])
		e := x.w.logs[origin][seq-1]
		edit, ok := e.Payload.(*engine.Edited)
		return ok && x.left(o, e.Room, edit.Message, e.ID())
	case "M":
		room, _ := engine.ParseID(words[1])
		id, _ := engine.ParseID(words[2])
		switch words[3] {
		case "0":
			return x.left(o, room, id, id)
		case "1":
			return x.left(o, room, id, o.winningEdit(room, id))
		}
	}
	return false
}

// left tells whether the body that an event gave a message is one that nobody sees.
func (x *exported) left(o *oracle, room, message, event engine.ID) bool {
	if o.room(room).deleted {
		return true
	}
	for _, e := range o.events {
		if p, ok := e.Payload.(*engine.Deleted); ok && e.Room == room && p.Message == message {
			return true
		}
	}
	winning := o.winningEdit(room, message)
	return !winning.IsZero() && winning != event
}

// winningEdit is the last edit of a message, zero if there is none.
func (o *oracle) winningEdit(room, message engine.ID) (winner engine.ID) {
	for _, e := range o.events {
		if p, ok := e.Payload.(*engine.Edited); ok && e.Room == room && p.Message == message && e.ID().Compare(winner) > 0 {
			winner = e.ID()
		}
	}
	return winner
}

// What an export leaves out is nowhere in it, and what it need not leave out is there.
func TestExportLeavesOut(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		o := newOracle(x.w.all)
		shown, all := string(x.export(ExportOptions{})), string(x.export(wholeExport))
		for _, e := range x.w.all {
			switch p := e.Payload.(type) {
			case *engine.Posted:
				x.holds(all, p.Body, true)
				x.holds(shown, p.Body, !x.left(o, e.Room, e.ID(), e.ID()))
			case *engine.UserCreated:
				x.holds(all, p.Password, true)
				x.holds(shown, p.Password, false)
			case *engine.TokenIssued:
				x.holds(all, p.Token.String(), true)
				if p.Token == e.ID() && !revoked(x.w, p.Token) {
					x.holds(strings.ReplaceAll(shown, `"id":"`+p.Token.String(), ""), p.Token.String(), false)
				}
			}
		}
	})
}

func revoked(w *world, token engine.ID) bool {
	return slices.ContainsFunc(w.all, func(e *engine.Event) bool {
		p, ok := e.Payload.(*engine.TokenRevoked)
		return ok && p.Token == token
	})
}

func (x *exported) holds(file, text string, want bool) {
	x.t.Helper()
	if got := strings.Contains(file, `"`+text+`"`); got != want {
		x.t.Errorf("%q in the file: %v", text, got)
	}
}

// Without secrets nobody signs in with an old password, and everything else is as it was: I9.
func TestI9ExportWithoutSecrets(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		s := imported(x.t, x.export(ExportOptions{Everything: true}))
		for line := range differences(dumpOf(x.t, x.s), dumpOf(x.t, s)) {
			if words := strings.Fields(line); words[0] != "U" && words[0] != "J" && words[0] != "L" {
				x.t.Errorf("differs: %s", line)
			}
		}
		for _, id := range newOracle(x.w.all).userIDs() {
			_, wantChanged, wantErr := x.s.Credentials(id)
			phc, changed, err := s.Credentials(id)
			if phc != "" || changed != wantChanged || !errors.Is(err, wantErr) {
				x.t.Errorf("I9: credentials %q, %v, %v; want those of %v, %v", phc, changed, err, wantChanged, wantErr)
			}
			want, err1 := x.s.User(id)
			got, err2 := s.User(id)
			if want != got || !errors.Is(err2, err1) {
				x.t.Errorf("user %+v, %v; want %+v, %v", got, err2, want, err1)
			}
		}
	})
}

// A file that was cut anywhere says so, is made whole again with the bytes that it
// would have had, and an import of it that was cut likewise goes on where it ended.
func TestI2ExportResumes(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		o := ExportOptions{Everything: x.w.chance(50), Secrets: x.w.chance(50)}
		whole := x.export(o)
		header := bytes.IndexByte(whole, '\n') + 1
		cut := whole[:header+x.w.rng.IntN(len(whole)-header)]
		s := openMem(x.t, vfs.NewMem())
		defer s.Close()
		if _, err := s.Import(x.t.Context(), bytes.NewReader(cut), nil); !errors.Is(err, portable.ErrCut) {
			x.t.Fatalf("of a cut file: %v", err)
		}
		if got := x.resume(cut, o); !bytes.Equal(got, whole) {
			x.t.Fatalf("resumed:\n%s\nwant:\n%s", got, whole)
		}
		before := s.Position()
		got, err := s.Import(x.t.Context(), bytes.NewReader(whole), nil)
		want := Imported{Events: x.w.end().Behind(before), Skipped: before.Behind(engine.Position{})}
		if err != nil || got != want {
			x.t.Fatalf("imported %+v, %v; want %+v", got, err, want)
		}
		if want, got := dumpOf(x.t, imported(x.t, whole)), dumpOf(x.t, s); want != got {
			x.t.Fatalf("I3: the stores differ:\n%s", firstDifference(want, got))
		}
	})
}

// resume makes a cut file whole.
func (x *exported) resume(cut []byte, o ExportOptions) []byte {
	x.t.Helper()
	in, err := portable.NewReader(bytes.NewReader(cut))
	if err != nil {
		x.t.Fatal(err)
	}
	for err == nil {
		_, err = in.Next()
	}
	if !errors.Is(err, portable.ErrCut) {
		x.t.Fatal(err)
	}
	out := bytes.NewBuffer(slices.Clone(cut[:in.Size()]))
	w, relay := in.Continue(out), portable.NewRelay()
	relay.Event = w.Line
	o.After, o.Through = in.Reached(), in.Header().Position
	if _, err := x.s.Export(x.t.Context(), relay, o); err != nil {
		x.t.Fatal(err)
	}
	if _, err := relay.Close(); err != nil {
		x.t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		x.t.Fatal(err)
	}
	return out.Bytes()
}

// I3: what a chain of exports holds, each after the one before, is what one holds.
func TestI3ExportAfter(t *testing.T) {
	eachExported(t, 0, func(x *exported) {
		middle := x.somewhere()
		s := imported(x.t, x.export(ExportOptions{Through: middle, Everything: true, Secrets: true}))
		if _, err := s.Import(x.t.Context(), bytes.NewReader(x.export(ExportOptions{After: middle, Everything: true, Secrets: true})), nil); err != nil {
			x.t.Fatal(err)
		}
		if want, got := dumpOf(x.t, x.s), dumpOf(x.t, s); want != got {
			x.t.Fatalf("the stores differ:\n%s", firstDifference(want, got))
		}
	})
}

// I6: what does not fit into a window comes in smaller ones.
func TestExportOfLargePosts(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	p := newPoster(s)
	p.body = strings.Repeat("large ", 200_000)
	p.batch(t, 40)
	c, err := s.chronicle(engine.Position{}, s.Position(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	total := 0
	for w := new(window); ; {
		err := c.next(w)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if total += len(w.events); w.content.size > windowBytes+2*len(p.body) {
			t.Fatalf("a window of %d bytes", w.content.size)
		}
		for i := range w.events {
			if e := &w.events[i]; len(e.Data) < len(p.body) {
				t.Fatalf("event %d has %d bytes", e.Seq, len(e.Data))
			}
		}
	}
	if total != 40 {
		t.Errorf("%d events of 40", total)
	}
}

// An export whose reader is slow does not keep a store from closing, and fails then.
func TestExportOfAClosingStore(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	newPoster(s).batch(t, 100)
	c, err := s.chronicle(engine.Position{}, s.Position(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.next(new(window)); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("of a closed store: %v", err)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Export(t.Context(), io.Discard, ExportOptions{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("of a closed store: %v", err)
	}
}

// An export that asks for what the node has not is refused.
func TestExportBeyond(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	newPoster(s).batch(t, 3)
	beyond := s.Position().With(s.Origin(), 4)
	for _, o := range []ExportOptions{{After: beyond}, {Through: beyond}} {
		if _, err := s.Export(t.Context(), io.Discard, o); !errors.Is(err, &engine.Error{Code: engine.CodeInvalidField}) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
