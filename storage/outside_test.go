package storage

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// What tests of package storage_test need of the ones here: they hold this package
// together with storage/backup, which imports it.

// History is a random history.
type History struct{ w *world }

// NewHistory makes one of some 60 to 260 events of three origins.
func NewHistory(seed uint64) History {
	rng := rand.New(rand.NewPCG(seed, 50))
	return History{newWorld(seed, 3, 60+rng.IntN(200), 40)}
}

// End is the position of all its events.
func (h History) End() engine.Position { return h.w.end() }

// Somewhere is a position before the end.
func (h History) Somewhere() engine.Position {
	return randomPosition(h.w, engine.Position{}, h.w.end(), h.w.rng)
}

// ApplyTo brings a store to a position.
func (h History) ApplyTo(t testing.TB, s *Store, to engine.Position) {
	t.Helper()
	apply(t, s, h.w, to, h.w.rng)
}

// Histories is how many of them a test goes through.
func Histories() int { return max(*histories/5, 5) }

// Rounds is how many rounds a crash test has.
func Rounds() int { return *rounds }

// DumpOf is what a store shows.
func DumpOf(t testing.TB, s *Store) string { t.Helper(); return dumpOf(t, s) }

// FirstDifference is of two dumps.
func FirstDifference(a, b string) string { return firstDifference(a, b) }

// Damage is one sort of damage to a store.
type Damage struct {
	Name  string
	Code  Code
	Lossy bool // the log does not come back whole
	d     damage
}

// Damages are all that are known.
func Damages() (list []Damage) {
	for _, d := range mendable {
		list = append(list, Damage{d.name, d.code, false, d})
	}
	for _, d := range lossy {
		list = append(list, Damage{d.name, d.code, true, d})
	}
	return list
}

// Damaged is a closed store in "data" with this damage, and a whole export of it from before.
func (d Damage) Damaged(t *testing.T) (disk vfs.FS, before []byte) {
	t.Helper()
	p := newPatient(t, vfs.NewMem(), "data")
	if wellExport == nil {
		wellExport = exportOf(t, p.s, wholeExport)
	}
	d.d.does(p)
	p.close()
	return p.fs, wellExport
}

// wellExport is of the patient before anything happened to it.
var wellExport []byte

// FlippedTables copies a store as often as asked, each time with a bit of its largest table turned
// elsewhere. They are closed.
func FlippedTables(t *testing.T, times int64, each func(disk vfs.FS, table string)) {
	for i := range times {
		p := newPatient(t, vfs.NewMem(), "data")
		table := p.largestTable()
		p.close()
		flip(t, p.fs, table, int64(len(contents(t, p.fs, table)))*i/times)
		each(p.fs, p.fs.PathBase(table))
	}
}

// EventLines are the lines of an export without its first and last.
func EventLines(file []byte) string { return strings.Join(eventLines(file), "") }
