package storage

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// seedFiles lists what seeds have on disk.
func seedFiles(t testing.TB, fs vfs.FS) (names []string) {
	t.Helper()
	list, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		if len(name) >= len(seedPrefix) && name[:len(seedPrefix)] == seedPrefix {
			names = append(names, name)
		}
	}
	return names
}

// refuse checks that pieces are not installed and leave no trace.
func refuse(t *testing.T, s *Store, pieces [][]byte, reason error) {
	t.Helper()
	before, pos := dumpOf(t, s), s.Position()
	d := newSeed(t, s, 1000)
	err := writeAll(d, pieces)
	if reason != nil && !errors.Is(err, reason) {
		t.Fatalf("%v; want %v", err, reason)
	}
	if err := d.Install(); err == nil {
		t.Fatal("I2: installed")
	}
	d.Discard()
	d.Discard()
	if err := d.Install(); err == nil {
		t.Fatal("installed after it was discarded")
	}
	if dumpOf(t, s) != before || !s.Position().Equal(pos) {
		t.Fatal("I2: the store has changed")
	}
}

// TestSeedRefuses (I2): a stream of pieces that is cut, spoilt, out of order, or of two
// snapshots is noticed, and nothing of it installed.
func TestSeedRefuses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 22))
	w := newWorld(1, 3, 150, 50)
	sender, mem := openMem(t, vfs.NewMem()), vfs.NewMem()
	defer sender.Close()
	apply(t, sender, w, randomPosition(w, engine.Position{}, w.end(), rng), rng)
	older := takePieces(t, sender, 3000)
	apply(t, sender, w, w.end(), rng)
	pieces := takePieces(t, sender, 3000)
	s := openMem(t, mem)
	defer s.Close()
	apply(t, s, w, engine.Position{}.With(w.origins[0], 3), rng)
	if len(pieces) < 8 {
		t.Fatalf("only %d pieces", len(pieces))
	}

	for n := range pieces {
		refuse(t, s, pieces[:n], nil) // ends too early
		if n > 0 {
			refuse(t, s, slices.Delete(slices.Clone(pieces), n-1, n), errPiece)
		}
		refuse(t, s, slices.Insert(slices.Clone(pieces), n, pieces[n]), errPiece)
		if n > 0 {
			swapped := slices.Clone(pieces)
			swapped[n-1], swapped[n] = swapped[n], swapped[n-1]
			refuse(t, s, swapped, errPiece)
		}
		if n > 0 && n < len(older) {
			refuse(t, s, slices.Concat(older[:n], pieces[n:]), errPiece)
		}
		cut := slices.Clone(pieces)
		cut[n] = cut[n][:rng.IntN(len(cut[n]))]
		refuse(t, s, cut, errPiece)
	}
	for range 200 {
		n := rng.IntN(len(pieces))
		spoilt := slices.Clone(pieces)
		spoilt[n] = bytes.Clone(spoilt[n])
		i := rng.IntN(len(spoilt[n]))
		spoilt[n][i] ^= 1 << rng.IntN(8)
		if i == 0 {
			refuse(t, s, spoilt, errOther)
		} else {
			refuse(t, s, spoilt, errPiece)
		}
	}
	refuse(t, s, append(slices.Clone(pieces), pieces[len(pieces)-1]), errPiece)
	if left := seedFiles(t, mem); len(left) > 0 {
		t.Fatalf("files are left: %v", left)
	}
	install(t, s, pieces, 1000)
	if left := seedFiles(t, mem); len(left) > 0 {
		t.Fatalf("files are left after installing: %v", left)
	}
	if dumpOf(t, s) != dumpOf(t, sender) {
		t.Fatal("I3: differs from the sender")
	}
}

// forge builds a well-formed stream with a preamble and entries of the test's choice.
func forge(p preamble, entries ...[]byte) [][]byte {
	var out pieceWriter
	out.start(pieceBegin)
	p.encode(&out)
	pieces := [][]byte{bytes.Clone(out.seal())}
	if len(entries) > 0 {
		out.start(pieceData)
		for i := 0; i < len(entries); i += 2 {
			out.entry(entries[i], entries[i+1])
		}
		pieces = append(pieces, bytes.Clone(out.seal()))
	}
	out.start(pieceEnd)
	out.number(uint64(len(entries) / 2))
	return append(pieces, bytes.Clone(out.seal()))
}

func inline(o engine.Origin, seq uint64, stamp engine.Stamp) []byte {
	b, _ := (&engine.Event{Origin: o, Seq: seq, Stamp: stamp, Kind: 200}).AppendBinary([]byte{entryInline})
	return b
}

// TestSeedForged (I2): well-formed pieces of what no store of this version holds.
func TestSeedForged(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	eight := func(n byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, n} }
	good := preamble{format: formatVersion, kinds: s.kinds(), position: engine.Position{}.With(5, 2)}
	l1, l2, p5 := logKey(5, 1), logKey(5, 2), originKey(kindPosition, 5)
	v1, v2 := inline(5, 1, 7), inline(5, 2, 8)

	newer := good
	newer.kinds.add(250)
	format := good
	format.format++
	elsewhere := good
	elsewhere.position = elsewhere.position.With(6, 1)
	for name, c := range map[string]struct {
		pieces [][]byte
		reason error
	}{
		"a newer version's kinds":    {forge(newer, l1, v1, l2, v2, p5, eight(2)), errOther},
		"another format":             {forge(format, l1, v1, l2, v2, p5, eight(2)), errOther},
		"one more origin":            {forge(elsewhere, l1, v1, l2, v2, p5, eight(2)), errPiece},
		"a key of the node alone":    {forge(good, l1, v1, l2, v2, p5, eight(2), localKey(localOrigin), eight(9)), errPiece},
		"a key of a later version":   {forge(good, l1, v1, l2, v2, p5, eight(2), []byte{'z', 0}, nil), errKey},
		"keys out of order":          {forge(good, l2, v2, l1, v1, p5, eight(2)), errPiece},
		"a key twice":                {forge(good, l1, v1, l1, v1, p5, eight(2)), errPiece},
		"a gap in the log":           {forge(good, l2, v2, p5, eight(2)), errPiece},
		"a log shorter than it says": {forge(good, l1, v1, p5, eight(2)), errPiece},
		"a log longer than it says":  {forge(good, l1, v1, l2, v2, p5, eight(1)), errPiece},
		"no position":                {forge(good, l1, v1, l2, v2), errPiece},
		"stamps that do not rise":    {forge(good, l1, v2, l2, inline(5, 2, 8), p5, eight(2)), errPiece},
		"an entry of another event":  {forge(good, l1, v1, l2, inline(6, 2, 8), p5, eight(2)), errPiece},
		"no log entry":               {forge(good, l1, v1, l2, []byte{9}, p5, eight(2)), errPiece},
		"a key without an end":       {forge(good, []byte{kindUser}, nil), errKey},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, s, c.pieces, c.reason) })
	}
	install(t, s, forge(preamble{format: formatVersion}), 100) // an empty store
	install(t, s, forge(good, l1, v1, l2, v2, p5, eight(2)), 100)
	if got := s.Position(); !got.Equal(good.position) {
		t.Fatalf("position %v", got)
	}
}

// TestSeedGap (I2): a snapshot that lacks what the store has is refused, but
// for a bounded number of the store's own events.
func TestSeedGap(t *testing.T) {
	w := newWorld(2, 2, 20, 0)
	rng := rand.New(rand.NewPCG(1, 23))
	empty := openMem(t, vfs.NewMem())
	defer empty.Close()
	nothing := takePieces(t, empty, pieceSize)
	gap := func(s *Store) {
		t.Helper()
		before := dumpOf(t, s)
		d := newSeed(t, s, 1000)
		defer d.Discard()
		if err := writeAll(d, nothing); err != nil {
			t.Fatal(err)
		}
		if err := d.Install(); !errors.Is(err, engine.ErrGap) {
			t.Fatalf("I2: %v, want a gap", err)
		}
		if dumpOf(t, s) != before {
			t.Fatal("I2: the store has changed")
		}
	}
	other := openMem(t, vfs.NewMem())
	defer other.Close()
	apply(t, other, w, engine.Position{}.With(w.origins[0], 1), rng)
	gap(other)

	many := openMem(t, vfs.NewMem())
	defer many.Close()
	p := newPoster(many)
	p.batch(t, maxCarried)
	install(t, many, nothing, 1000)
	if many.Position().Seq(many.origin) != maxCarried {
		t.Fatal("I1: the node's own events are gone")
	}
	if want := replay(t, many); dumpOf(t, many) != want {
		t.Fatal("I3: views are not what the log says")
	}
	p.batch(t, 1)
	gap(many)

	large := openMem(t, vfs.NewMem())
	defer large.Close()
	p = newPoster(large)
	p.body = string(make([]byte, 1<<20))
	for range maxCarriedBytes >> 20 {
		p.batch(t, 1)
	}
	gap(large)
}

// TestSeedsAtOnce: two seeds written in turns do not touch each other; the first
// is installed, and so is the second if it covers what is there then.
func TestSeedsAtOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 24))
	w := newWorld(3, 3, 120, 50)
	middle := randomPosition(w, engine.Position{}, w.end(), rng)
	sender, mem := openMem(t, vfs.NewMem()), vfs.NewMem()
	defer sender.Close()
	apply(t, sender, w, middle, rng)
	older := takePieces(t, sender, 3000)
	apply(t, sender, w, w.end(), rng)
	newer := takePieces(t, sender, 3000)
	s := openMem(t, mem)
	defer s.Close()
	newPoster(s).batch(t, 1)
	a, b, c := newSeed(t, s, 1000), newSeed(t, s, 1000), newSeed(t, s, 1000)
	for i := range max(len(older), len(newer)) {
		for _, x := range []struct {
			d      *seed
			pieces [][]byte
		}{{a, older}, {b, newer}, {c, older}} {
			if i < len(x.pieces) {
				if err := x.d.Write(x.pieces[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Install(); err == nil {
		t.Fatal("installed under an open batch")
	}
	tx.Discard()
	if err := errors.Join(a.Install(), b.Install()); err != nil {
		t.Fatal(err)
	}
	if err := c.Install(); !errors.Is(err, engine.ErrGap) {
		t.Fatalf("I2: an older snapshot after a newer one: %v", err)
	}
	c.Discard()
	if left := seedFiles(t, mem); len(left) > 0 {
		t.Fatalf("files are left: %v", left)
	}
	if !s.Position().Equal(w.end().With(s.origin, 1)) {
		t.Fatal("I2: the position is not what both had")
	}
	if want := replay(t, s); dumpOf(t, s) != want {
		t.Fatalf("I3: views are not what the log says:\n%s", firstDifference(want, dumpOf(t, s)))
	}
}

// TestSeedLeftovers: what a crash leaves of a seed is gone after Open.
func TestSeedLeftovers(t *testing.T) {
	mem := vfs.NewMem()
	s := openMem(t, mem)
	newPoster(s).batch(t, 100)
	pieces := takePieces(t, s, 1000)
	d := newSeed(t, s, 500)
	if err := writeAll(d, pieces[:len(pieces)-1]); err != nil {
		t.Fatal(err)
	}
	if left := seedFiles(t, mem); len(left) != 1 {
		t.Fatalf("%v: the test attacks nothing", left)
	}
	d.tables.abort()
	s.Close()
	openMem(t, mem).Close()
	if left := seedFiles(t, mem); len(left) > 0 {
		t.Fatalf("files are left: %v", left)
	}
}

// FuzzPiece (I2, I6): whatever a peer sends, a seed refuses it or takes it whole,
// and what it takes encodes to the same bytes again.
func FuzzPiece(f *testing.F) {
	w := newWorld(4, 2, 60, 0)
	sender := openMem(f, vfs.NewMem())
	defer sender.Close()
	apply(f, sender, w, w.end(), rand.New(rand.NewPCG(1, 1)))
	pieces := takePieces(f, sender, 2000)
	for _, p := range pieces {
		f.Add(p[1], p[pieceHeader:len(p)-pieceChecksum])
	}
	f.Add(byte(pieceData), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1})
	s := openMem(f, vfs.NewMem())
	defer s.Close()
	f.Fuzz(func(t *testing.T, sort byte, body []byte) {
		var out pieceWriter
		out.start(sort)
		out.buf = append(out.buf, body...)
		_, _, _ = new(pieceReader).open(body)
		d := newSeed(t, s, 1000)
		defer d.Discard()
		if sort != pieceBegin {
			if err := d.Write(pieces[0]); err != nil {
				t.Fatal(err)
			}
			out.sum = d.in.sum
		}
		if d.Write(bytes.Clone(out.seal())) != nil {
			return
		}
		if again, err := encodeAgain(sort, body); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%x is %x, %v", body, again, err)
		}
	})
}

// encodeAgain takes a body apart and puts it together.
func encodeAgain(sort byte, body []byte) ([]byte, error) {
	var out pieceWriter
	switch sort {
	case pieceBegin:
		p, err := parsePreamble(body)
		p.encode(&out)
		return out.buf, err
	case pieceEnd:
		n, err := parseEnd(body)
		out.number(n)
		return out.buf, err
	}
	for len(body) > 0 {
		k, v, rest, err := takeEntry(body)
		if err != nil {
			return nil, err
		}
		out.entry(k, v)
		body = rest
	}
	return out.buf, nil
}
