package bench

import (
	"math"
	"strings"
	"testing"
)

func TestMarkRoundTrip(t *testing.T) {
	for _, m := range []mark{{}, {7, 3, 12345678}, {math.MaxInt32, math.MaxUint32, math.MaxInt64}} {
		for _, size := range []int{minBody, 200, 12000} {
			body := m.appendBody([]byte("before"), size)[len("before"):]
			if len(body) != size {
				t.Errorf("%v: %d bytes, want %d", m, len(body), size)
			}
			if got, ok := readMark(body); !ok || got != m {
				t.Errorf("%v came back as %v, %t", m, got, ok)
			}
		}
	}
}

func TestNonsenseIsNoMark(t *testing.T) {
	for _, body := range []string{
		"", "#", "#1", "#1.", "#1.2", "#1.2.", "#1.2.3", "1.2.3.", "#.2.3.", "#1..3.", "#-1.2.3.", "#a.2.3.",
		"hello", "# 1.2.3.", "#" + strings.Repeat("9", 20) + ".2.3.",
	} {
		if m, ok := readMark([]byte(body)); ok {
			t.Errorf("%q is %v", body, m)
		}
	}
}

func FuzzReadMark(f *testing.F) {
	f.Add(string(mark{1, 2, 3}.appendBody(nil, minBody)))
	f.Add("#1.2.3.")
	f.Add("#1.99999999999.3.")
	f.Fuzz(func(t *testing.T, body string) {
		m, ok := readMark([]byte(body))
		if !ok {
			return
		}
		again, ok := readMark(m.appendBody(nil, minBody))
		if m.nanos >= 0 && m.sender >= 0 && (!ok || again != m) {
			t.Fatalf("%q is %v, and that written out %v, %t", body, m, again, ok)
		}
	})
}
