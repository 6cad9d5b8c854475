package bench

import (
	"fmt"
	"testing"
)

func TestSequence(t *testing.T) {
	for _, test := range []struct {
		numbers []uint32
		want    string
	}{
		{[]uint32{0, 1, 2}, "[0 0 0]"},
		{[]uint32{0, 0, 1, 1, 0}, "[0 2 0 2 2]"},
		{[]uint32{0, 2, 1, 1, 3}, "[0 0 1 2 0]"}, // 1 is late once, and doubled then
		{[]uint32{3, 0, 1, 2, 4}, "[0 1 1 1 0]"},
		{[]uint32{1 << 31, 1, 1}, "[0 1 2]"}, // a wild number costs bounded time and memory
	} {
		s := newSequence(2)
		var got []arrival
		for _, n := range test.numbers {
			got = append(got, s.take(1, n))
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("%v: %v, want %s", test.numbers, got, test.want)
		}
		if s.take(0, 0) != inTurn {
			t.Errorf("%v of one sender made another's first message late", test.numbers)
		}
		if len(s.skipped) > maxSkipped {
			t.Errorf("%v: %d numbers remembered", test.numbers, len(s.skipped))
		}
	}
}
