package cli_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// attack is one misbehaviour. It returns how it ended, or an error where it did
// not come to its point: that is no run of it.
type attack struct {
	name string
	run  func(a *attacker) (string, error)

	// How the server must end it: the close codes that are right, separated by
	// spaces. Where the connection breaks without a close frame nothing is said:
	// no server can promise to be heard, and "none" asks for no more. Empty: the
	// server need not end it.
	codes string
}

// attacker makes one attack after the other.
type attacker struct {
	s     *soak
	ctx   context.Context
	index int
	rng   *rand.Rand
	peers []*peer // of the present attack
}

const cutShort = "(soak over)"

func (a *attacker) attempt(k *attack) {
	ending, err := k.run(a)
	a.leave()
	switch {
	case a.ctx.Err() != nil:
		a.s.tally.add(k, cutShort)
	case err != nil:
		a.s.tally.add(k, "missed: "+err.Error())
	default:
		a.s.tally.add(k, ending)
	}
}

// leave closes what an attack has left open, one way or the other.
func (a *attacker) leave() {
	for _, p := range a.peers {
		if a.rng.IntN(2) == 0 {
			_ = p.conn.SetLinger(0)
		}
		p.close()
	}
	a.peers = nil
}

func (a *attacker) pause(d time.Duration) bool { return pause(a.ctx, d) }

// upTo is a time below d.
func (a *attacker) upTo(d time.Duration) time.Duration { return time.Duration(a.rng.Int64N(int64(d))) }

// stay is how long to go on with something that nobody need end: in a long soak
// now and then until the last of the server's deadlines is over.
func (a *attacker) stay() time.Duration {
	switch {
	case !a.s.long:
		return a.upTo(700 * time.Millisecond)
	case a.rng.IntN(4) == 0:
		return 75 * time.Second
	}
	return a.upTo(3 * time.Second)
}

func (a *attacker) token() string { return a.s.tokens[a.rng.IntN(len(a.s.tokens))] }

// noise is bytes of any kind.
func (a *attacker) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.rng.Uint32())
	}
	return b
}

func pick[T any](a *attacker, from ...T) T { return from[a.rng.IntN(len(from))] }

// tally counts how attacks ended.
type tally struct {
	mu    sync.Mutex
	count map[*attack]map[string]int
}

func newTally() *tally { return &tally{count: map[*attack]map[string]int{}} }

func (l *tally) add(k *attack, ending string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count[k] == nil {
		l.count[k] = map[string]int{}
	}
	l.count[k][ending]++
}

// reset forgets the rehearsal.
func (l *tally) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.count)
}

// ran is how often an attack came to its point.
func (l *tally) ran(k *attack) (n int) {
	for ending, count := range l.count[k] {
		if !strings.HasPrefix(ending, "missed") && ending != cutShort {
			n += count
		}
	}
	return n
}

// wrong returns an ending that should not have been, or nothing.
func (l *tally) wrong(k *attack) string {
	if k.codes == "" {
		return ""
	}
	for ending := range l.count[k] {
		code, closed := strings.CutPrefix(ending, "close ")
		switch {
		case strings.HasPrefix(ending, stillOpen):
			return ending
		case closed && !slices.Contains(strings.Fields(k.codes), code):
			return ending
		}
	}
	return ""
}

func (l *tally) table() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "attack\truns\tended")
	kinds := slices.SortedFunc(maps.Keys(l.count), func(a, b *attack) int { return cmp.Compare(a.name, b.name) })
	for _, k := range kinds {
		var ends []string
		for _, ending := range slices.Sorted(maps.Keys(l.count[k])) {
			ends = append(ends, fmt.Sprintf("%s: %d", ending, l.count[k][ending]))
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", k.name, l.ran(k), strings.Join(ends, ", "))
	}
	_ = w.Flush()
	return b.String()
}

// missed is why an attack did not come to its point, without what differs each time.
func missed(format string, args ...any) error { return fmt.Errorf(format, args...) }
