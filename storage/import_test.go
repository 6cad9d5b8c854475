package storage

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/portable"
)

// I2: a file enters an empty store, or one that holds a part of it.
func TestI2ImportInto(t *testing.T) {
	a, b := openMem(t, vfs.NewMem()), openMem(t, vfs.NewMem())
	defer a.Close()
	defer b.Close()
	p := newPoster(a)
	p.batch(t, 3)
	early := exportOf(t, a, ExportOptions{})
	p.batch(t, 3)
	late := exportOf(t, a, ExportOptions{After: a.Position().With(a.Origin(), 3)})
	newPoster(b).batch(t, 1)
	for name, c := range map[string]struct {
		s    *Store
		file []byte
		want error
	}{
		"a store with other events":               {b, early, ErrOtherEvents},
		"a store with later events":               {a, early, ErrOtherEvents},
		"a store that lacks what came before":     {openMem(t, vfs.NewMem()), late, ErrAhead},
		"the node's own events, which it has not": {ownLogOf(t, a.Origin()), early, ErrOwnLog},
	} {
		before := c.s.Position()
		if _, err := c.s.Import(t.Context(), bytes.NewReader(c.file), nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if !c.s.Position().Equal(before) {
			t.Errorf("%s: something was imported", name)
		}
		if c.s != a && c.s != b {
			c.s.Close()
		}
	}
}

// ownLogOf is an empty store with the origin of another.
func ownLogOf(t *testing.T, o engine.Origin) *Store {
	s := openMem(t, vfs.NewMem())
	s.origin = o
	return s
}

// A line that the form allows and the store does not is named, and what came before it stays.
func TestImportNamesTheLine(t *testing.T) {
	a := openMem(t, vfs.NewMem())
	defer a.Close()
	newPoster(a).batch(t, 3)
	file := string(exportOf(t, a, ExportOptions{}))
	for name, c := range map[string]struct{ old, new, want string }{
		"content of another kind":  {`"kind":"message_posted"`, `"kind":"kind_13"`, "line 3: kind_13"},
		"a role that there is not": {`"kind":"message_posted"`, "role", "line 3: data: there is no such role"},
		"content that is no CBOR":  {`"kind":"message_posted"`, "raw", "line 3: the content of event"},
	} {
		lines := strings.SplitAfter(file, "\n")
		switch c.new {
		case "role":
			lines[2] = rawLine(lines[2], "member_set", "oQEJ")
		case "raw":
			lines[2] = rawLine(lines[2], "message_posted", "oQE=")
		default:
			lines[2] = strings.Replace(lines[2], c.old, c.new, 1)
			c.want = "line 3: "
		}
		s := openMem(t, vfs.NewMem())
		_, err := s.Import(t.Context(), strings.NewReader(strings.Join(lines, "")), nil)
		var at *portable.LineError
		if !errors.As(err, &at) || at.Line != 3 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if got := s.Position().Seq(a.Origin()); got != 1 {
			t.Errorf("%s: %d events are there", name, got)
		}
		s.Close()
	}
}

// rawLine gives an event another kind and content.
func rawLine(line, kind, data string) string {
	head, rest, _ := strings.Cut(line, `"kind":"message_posted"`)
	room, _, _ := strings.Cut(rest, `,"body"`)
	return head + `"kind":"` + kind + `"` + room + `,"data":"` + data + `"}` + "\n"
}

// FuzzImport (I2): whatever comes, an import ends, and leaves a store whose log is whole.
func FuzzImport(f *testing.F) {
	a := openMem(f, vfs.NewMem())
	defer a.Close()
	newPoster(a).batch(f, 3)
	f.Add(exportOf(f, a, ExportOptions{}))
	f.Add(newExported(f, 1, 0).export(wholeExport))
	f.Add(newExported(f, 2, 0).export(ExportOptions{}))
	f.Fuzz(func(t *testing.T, file []byte) {
		s := openMem(t, vfs.NewMem())
		defer s.Close()
		got, err := s.Import(t.Context(), bytes.NewReader(file), nil)
		p := s.Position()
		if got.Events != p.Behind(engine.Position{}) {
			t.Fatalf("I2: %d events imported, and the position is %v", got.Events, p)
		}
		var at *portable.LineError
		if err != nil && !errors.As(err, &at) && !errors.Is(err, ErrAhead) {
			t.Fatalf("the line is not named: %v", err)
		}
		again := exportOf(t, s, wholeExport)
		if want, got := dumpOf(t, s), dumpOf(t, imported(t, again)); want != got {
			t.Fatalf("I3: the stores differ:\n%s", firstDifference(want, got))
		}
	})
}
