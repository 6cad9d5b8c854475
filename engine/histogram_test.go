package engine

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// Random values against a plain list of them.
func TestHistogram(t *testing.T) {
	bounds := []float64{1, 2, 5, 10, 100}
	h := NewHistogram(bounds...)
	rnd := rand.New(rand.NewPCG(1, 2))
	values := []float64{0, 1, 100, 101} // bounds are inclusive
	for range 10_000 {
		values = append(values, float64(rnd.IntN(120)))
	}
	var all sync.WaitGroup
	for part := range slices.Chunk(values, 1000) {
		all.Go(func() {
			for _, v := range part {
				h.Observe(v)
			}
		})
	}
	all.Wait()
	d, sum := h.Read(), 0.0
	want := make([]uint64, len(bounds)+1)
	for _, v := range values {
		sum += v
		want[slices.IndexFunc(append(slices.Clone(bounds), 1e9), func(b float64) bool { return v <= b })]++
	}
	if !slices.Equal(d.Counts, want) || d.Count != uint64(len(values)) || d.Sum != sum {
		t.Errorf("counted %v, %d, %g; want %v, %d, %g", d.Counts, d.Count, d.Sum, want, len(values), sum)
	}
	slices.Sort(values)
	for _, q := range []float64{0.01, 0.1, 0.5} {
		exact, got := values[int(q*float64(len(values)))], d.Quantile(q)
		i, _ := slices.BinarySearch(bounds, exact)
		if low := append([]float64{0}, bounds...)[i]; got < low || got > bounds[i] {
			t.Errorf("quantile %g is %g, the value there %g", q, got, exact)
		}
	}
}

func TestQuantileAtTheEnds(t *testing.T) {
	if q := NewHistogram(1, 2).Read().Quantile(0.99); q != 0 {
		t.Errorf("of nothing: %g", q)
	}
	h := NewHistogram(1, 2)
	h.Observe(50)
	if q := h.Read().Quantile(0.5); q != 2 {
		t.Errorf("beyond the last bound: %g", q)
	}
	h = NewHistogram(1, 2)
	for range 4 {
		h.Observe(1.5)
	}
	if q := h.Read().Quantile(0.5); q != 1.5 {
		t.Errorf("in the middle of a bucket: %g", q)
	}
}
