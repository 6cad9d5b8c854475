package engine

import (
	"math/rand/v2"
	"testing"
)

func randomPosition(rng *rand.Rand) (p Position) {
	for range rng.IntN(6) {
		p = p.With(Origin(1+rng.Uint64N(8)), rng.Uint64N(5))
	}
	return p
}

func TestPositionTextRoundTrips(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		p := randomPosition(rng)
		q, err := ParsePosition(p.String())
		if err != nil || !q.Equal(p) {
			t.Fatalf("%v reads back as %v, %v", p, q, err)
		}
	}
}

// Merge is the least upper bound in the order of Covers.
func TestPositionMergeIsLeastUpperBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		p, q, r := randomPosition(rng), randomPosition(rng), randomPosition(rng)
		m := p.Merge(q)
		if !m.Covers(p) || !m.Covers(q) || !m.Equal(q.Merge(p)) {
			t.Fatalf("merge of %v and %v is %v", p, q, m)
		}
		if r.Covers(p) && r.Covers(q) && !r.Covers(m) {
			t.Fatalf("%v covers %v and %v but not their merge", r, p, q)
		}
		if (p.Behind(q) == 0) != q.Covers(p) {
			t.Fatalf("%v behind %v by %d", q, p, p.Behind(q))
		}
	}
}

// Within is the greatest lower bound in the order of Covers.
func TestPositionWithinIsGreatestLowerBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		p, q, r := randomPosition(rng), randomPosition(rng), randomPosition(rng)
		w := p.Within(q)
		if !p.Covers(w) || !q.Covers(w) || !w.Equal(q.Within(p)) {
			t.Fatalf("%v within %v is %v", p, q, w)
		}
		if p.Covers(r) && q.Covers(r) && !w.Covers(r) {
			t.Fatalf("%v and %v cover %v, but %v does not", p, q, r, w)
		}
	}
}

func TestPositionIsImmutable(t *testing.T) {
	p := Position{}.With(1, 1).With(3, 3)
	before := p.String()
	p.With(2, 2)
	p.With(1, 9)
	p.Merge(Position{}.With(3, 7).With(4, 4))
	if p.String() != before {
		t.Error("With or Merge changed its receiver")
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("AQ")
	f.Add(Position{}.With(1, 1).With(2, 300).String())
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil {
			return
		}
		if q, err := ParsePosition(p.String()); err != nil || !q.Equal(p) {
			t.Errorf("%q reads as %v, which reads as %v, %v", s, p, q, err)
		}
	})
}
