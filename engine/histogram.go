package engine

import (
	"math"
	"slices"
	"sync/atomic"
)

// Histogram counts values by upper bounds that are fixed when it is made. Observe
// takes no lock and may be called by any goroutine.
type Histogram struct {
	bounds []float64
	counts []atomic.Uint64 // one more than bounds: the last has no bound
	sum    atomic.Uint64   // the bits of a float64
}

// NewHistogram returns an empty one; bounds rise.
func NewHistogram(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe counts a value.
func (h *Histogram) Observe(v float64) {
	i, _ := slices.BinarySearch(h.bounds, v)
	h.counts[i].Add(1)
	for {
		was := h.sum.Load()
		if h.sum.CompareAndSwap(was, math.Float64bits(math.Float64frombits(was)+v)) {
			return
		}
	}
}

// Read returns what has been counted. Of values that are counted meanwhile the
// sum may know more, or less, than the counts.
func (h *Histogram) Read() Distribution {
	d := Distribution{Bounds: h.bounds, Counts: make([]uint64, len(h.counts)), Sum: math.Float64frombits(h.sum.Load())}
	for i := range h.counts {
		d.Counts[i] = h.counts[i].Load()
		d.Count += d.Counts[i]
	}
	return d
}

// Distribution is a Histogram at one moment. Counts[i] is how many values are at
// most Bounds[i] and more than the bound before; the last are those beyond all bounds.
type Distribution struct {
	Bounds []float64
	Counts []uint64
	Count  uint64
	Sum    float64
}

// Quantile estimates the value below which a share q of all are, as if those
// between two bounds lay evenly. Beyond the last bound it can only say the last
// bound, and without values 0.
func (d Distribution) Quantile(q float64) float64 {
	rank, below := q*float64(d.Count), 0.0
	for i, bound := range d.Bounds {
		n := float64(d.Counts[i])
		if n > 0 && below+n >= rank {
			from := 0.0
			if i > 0 {
				from = d.Bounds[i-1]
			}
			return from + (bound-from)*max(0, rank-below)/n
		}
		below += n
	}
	if d.Count == 0 {
		return 0
	}
	return d.Bounds[len(d.Bounds)-1]
}
