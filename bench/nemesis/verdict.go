package nemesis

import (
	"fmt"
	"sort"
)

// Crime is a sort of broken promise.
type Crime string

// What a run must not show.
const (
	Lost       Crime = "lost"
	Doubled    Crime = "doubled"
	Reordered  Crime = "reordered"
	Stale      Crime = "stale"
	Missed     Crime = "missed"
	Misled     Crime = "misled"
	Differing  Crime = "differing"
	Invented   Crime = "invented"
	Zombie     Crime = "zombie"
	Absent     Crime = "absent"
	Divergent  Crime = "divergent"
	Ejected    Crime = "ejected"
	Unanswered Crime = "unanswered"
)

// crimes is all of them, in the order of reports, with what they mean.
var crimes = []struct {
	crime   Crime
	meaning string
}{
	{Lost, "I1: an acknowledged write that is nowhere, or was undone"},
	{Doubled, "I2, I7: a nonce that is two messages; a message told twice on one connection"},
	{Reordered, "I4: a room out of the order of ids; a post before what its author had seen"},
	{Stale, "I8: a read, or a write, that did not know what its position covers"},
	{Missed, "I5: a message that a session was never told of, nor of a reset"},
	{Misled, "I5: a message that is not as a session was told"},
	{Differing, "I3: an answer that differs between two nodes after healing"},
	{Invented, "a message or a text that nobody wrote, or that was refused"},
	{Zombie, "shown as online after the last session's end"},
	{Absent, "not shown as online, with a session open"},
	{Divergent, "a node that did not come back, or catch up, in time"},
	{Ejected, "a good token that was refused, a session that was ended for ever"},
	{Unanswered, "a node that did not say what it holds"},
}

// Verdict is what the checker found.
type Verdict struct {
	Crimes  map[Crime]int
	Details []string // the first of each crime

	// LostLocal are the writes acknowledged as durable on one node alone that
	// went with its disk: what local can lose.
	LostLocal map[Kind]int
	Reads     int // that were held against the write before them
	Ordered   int // posts that were held against what their author had seen
	Expected  int // messages that sessions had to be told of
	Resumes   int
	Resets    int
	Repeated  int // messages told again on one connection because their nonce was posted again
	// Unordered are posts that sort before what their author had seen, where
	// no node could know that.
	Unordered int
}

// detailsOfEach bounds the examples of a crime.
const detailsOfEach = 8

func newVerdict() *Verdict { return &Verdict{Crimes: map[Crime]int{}, LostLocal: map[Kind]int{}} }

func (v *Verdict) charge(c Crime, format string, args ...any) {
	if v.Crimes[c]++; v.Crimes[c] <= detailsOfEach {
		v.Details = append(v.Details, string(c)+": "+fmt.Sprintf(format, args...))
	}
}

// Guilty lists the crimes that were committed, with their counts.
func (v *Verdict) Guilty() []string {
	var out []string
	for c, n := range v.Crimes {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, c))
		}
	}
	sort.Strings(out)
	return out
}
