package engine

import (
	"bytes"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
)

func TestIDTextRoundTrips(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		id := MakeID(Stamp(rng.Uint64()), Origin(rng.Uint64()))
		text := id.String()
		if len(text) != idLen {
			t.Fatalf("%x has text %q", id, text)
		}
		for _, s := range []string{text, strings.ToLower(text)} {
			if got, err := ParseID(s); err != nil || got != id {
				t.Fatalf("ParseID(%q) = %x, %v; want %x", s, got, err, id)
			}
		}
	}
}

// The text of the first and last 128-bit values, from the ULID specification.
func TestIDKnownTexts(t *testing.T) {
	if got := (ID{}).String(); got != strings.Repeat("0", 26) {
		t.Errorf("zero is %q", got)
	}
	if got := ID(bytes.Repeat([]byte{0xFF}, 16)).String(); got != "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" {
		t.Errorf("largest is %q", got)
	}
}

func TestIDTextSortsLikeBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	ids := make([]ID, 1000)
	for i := range ids {
		ids[i] = MakeID(Stamp(rng.Uint64()), Origin(rng.Uint64()))
	}
	sort.Slice(ids, func(i, j int) bool { return bytes.Compare(ids[i][:], ids[j][:]) < 0 })
	for i := 1; i < len(ids); i++ {
		if ids[i-1].String() >= ids[i].String() {
			t.Fatalf("%s sorts after %s", ids[i-1], ids[i])
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	for _, s := range []string{"", "0", strings.Repeat("0", 25), strings.Repeat("0", 27), "8" + strings.Repeat("0", 25),
		strings.Repeat("0", 25) + "U", strings.Repeat("0", 25) + "I", strings.Repeat("0", 25) + "é"[:1]} {
		if id, err := ParseID(s); err == nil {
			t.Errorf("ParseID(%q) = %s", s, id)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseID(s); err == nil && id.String() != strings.ToUpper(s) {
			t.Errorf("%q reads as %s", s, id)
		}
	})
}
