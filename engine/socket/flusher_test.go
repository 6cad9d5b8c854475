package socket

import (
	"testing"
	"time"
)

// load has a flusher make passes of a length, each so long after the one before.
func load(f *flusher, passes int, gap, length time.Duration) {
	for range passes {
		begun := f.ended.Add(gap)
		f.worked(begun, begun.Add(length))
	}
}

// Who is hardly busy must not wait: neither for an idle room's message nor for
// a hall's, whose burst is a long pass after a silence.
func TestFlusherRestsOnlyWhenBusy(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	for _, test := range []struct {
		name        string
		load        func(f *flusher)
		least, most time.Duration
	}{
		{"new", func(*flusher) {}, 0, 0},
		{"a message now and then", func(f *flusher) { load(f, 1000, 5*ms, 100*us) }, 0, 0},
		{"a hall's burst", func(f *flusher) { load(f, 20, 43*ms, 7*ms) }, 0, 0},
		{"a hall's burst in pieces", func(f *flusher) { load(f, 1, 43*ms, 50*us); load(f, 3, 0, 2*ms) }, 0, 0},
		{"bursts without a pause", func(f *flusher) { load(f, 100, 0, 2*ms) }, maxRest, maxRest},
		{"half of the time", func(f *flusher) { load(f, 100, 2*ms, 2*ms) }, maxRest, maxRest},
		{"a quarter of the time", func(f *flusher) { load(f, 100, 3*ms, 1*ms) }, maxRest / 4, 3 * maxRest / 4},
		{"silence after work", func(f *flusher) { load(f, 100, 0, 2*ms); load(f, 1, 100*ms, 50*us) }, 0, 0},
	} {
		f := &flusher{ended: time.Now()}
		test.load(f)
		if rest := f.rest(); rest < test.least || rest > test.most {
			t.Errorf("%s: busy %.2f, rests %v, want %v to %v", test.name, f.busy, rest, test.least, test.most)
		}
	}
}
