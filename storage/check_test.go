package storage

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

func inspect(t testing.TB, s *Store) CheckReport {
	t.Helper()
	r, err := s.Check(t.Context(), CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCheckHistories (I2, I3): what the store makes of any history passes, half-way too,
// written to tables or not, and on a node that does not know some kinds of events.
func TestCheckHistories(t *testing.T) {
	for seed := range uint64(*histories / 4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 40))
			w := newWorld(seed, 3, 60+rng.IntN(200), 40)
			var hidden func(engine.Kind) bool
			if seed%3 == 0 {
				hidden = func(k engine.Kind) bool { return k == engine.KindReacted || k == engine.KindMemberSet }
			}
			s := openAs(t, vfs.NewMem(), 1, hidden)
			defer s.Close()
			for _, target := range []engine.Position{randomPosition(w, engine.Position{}, w.end(), rng), w.end()} {
				apply(t, s, w, target, rng)
				if rng.IntN(2) == 0 {
					if err := s.db.Flush(); err != nil {
						t.Fatal(err)
					}
				}
				r := inspect(t, s)
				if !r.OK() {
					t.Fatalf("%+v", r)
				}
				events := uint64(len(w.upTo(target)))
				if r.Events != events {
					t.Fatalf("%d events checked of %d", r.Events, events)
				}
			}
		})
	}
}

// TestCheckBesideWrites (I2): a check sees the store at one moment while batches go on.
func TestCheckBesideWrites(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWorld(3, 3, 4000, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		apply(t, s, w, w.end(), rand.New(rand.NewPCG(3, 44)))
	}()
	between := 0
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		r := inspect(t, s)
		if !r.OK() {
			t.Fatalf("%+v", r)
		}
		if r.Events > 0 && r.Events < 4000 {
			between++
		}
	}
	if between == 0 {
		t.Error("no check ran beside a write: the test attacks nothing")
	}
}

// TestCheckEnds: Close ends a check and waits for it; nothing begins after that.
func TestCheckEnds(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	apply(t, s, newWorld(4, 2, 9000, 0), newWorld(4, 2, 9000, 0).end(), rand.New(rand.NewPCG(4, 45)))
	begun, closing := make(chan struct{}), make(chan error)
	var once sync.Once
	go func() {
		<-begun
		closing <- s.Close()
	}()
	_, err := s.Check(t.Context(), CheckOptions{Progress: func(CheckProgress) {
		once.Do(func() {
			close(begun)
			<-s.work.ctx.Done()
		})
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the check ended with %v", err)
	}
	if err := <-closing; err != nil {
		t.Error(err)
	}
	if _, err := s.Check(t.Context(), CheckOptions{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := s.Compact(t.Context(), nil); !errors.Is(err, engine.ErrUnavailable) {
		t.Error(err)
	}
}

// TestCheckBounds: many findings are counted, and few are kept.
func TestCheckBounds(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	for i := range 300 {
		if err := s.db.Set(idKey(kindReply, engine.ID{1}, engine.ID{2}, engine.ID{byte(i >> 8), byte(i)}), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.Check(t.Context(), CheckOptions{Findings: 10})
	if err != nil || len(r.Findings) != 10 || r.Counts["reply_extra"] != 300 || r.Unmendable != 0 {
		t.Fatalf("%d findings, %v, %v", len(r.Findings), r.Counts, err)
	}
}

// TestEveryKindIsChecked: a kind of key that keys.go knows has a word for its codes,
// and its keys parse: then it is compared with the scratch, or a pass of its own reads it.
func TestEveryKindIsChecked(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "keys.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || !strings.HasPrefix(spec.Names[0].Name, "kind") || len(spec.Values) != 1 {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.CHAR {
			return true
		}
		kinds++
		if kind := literal.Value[1]; kindNames[kind] == "" {
			t.Errorf("%s has no name in kindNames: findings about it would have no code", spec.Names[0].Name)
		}
		return true
	})
	if kinds != len(kindNames) || kinds < 25 {
		t.Errorf("keys.go has %d kinds, kindNames %d", kinds, len(kindNames))
	}
	for sub := range byte(subLast + 1) {
		if int(sub) >= len(partNames) || partNames[sub] == "" {
			t.Errorf("part %d of messages has no name", sub)
		}
	}
}

// TestCompact: what was overwritten leaves the disk, and nothing else.
func TestCompact(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWorld(5, 3, 2000, 200)
	apply(t, s, w, w.end(), rand.New(rand.NewPCG(5, 46)))
	before := dumpOf(t, s)
	for range 20 {
		if err := s.SetLocal("large", make([]byte, 1<<16)); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Compact(t.Context(), nil)
	if err != nil || c.After <= 0 || c.After >= c.Before {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := dumpOf(t, s); got != before {
		t.Fatal(firstDifference(before, got))
	}
	if r := inspect(t, s); !r.OK() {
		t.Fatalf("%+v", r)
	}
}
