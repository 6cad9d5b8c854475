package nemesis

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// schedule is the faults of a run, as its seed has them. They come in rounds:
// the faults of a round begin together, and the next round begins when all
// are healed and the nodes have converged. So no more nodes fail at a
// time than a round has faults.
type schedule struct {
	rng      *rand.Rand
	nodes    int
	together int // most faults of a round
	longest  time.Duration
	deck     []Trouble // those that are yet to come before any comes again
	only     []Trouble
}

// round is some faults at a time, and the quiet after it.
type round struct {
	faults []Fault
	rest   time.Duration
}

func newSchedule(c Config) *schedule {
	s := &schedule{rng: rand.New(rand.NewPCG(c.Seed, hash(c.Concern))), nodes: c.Nodes, together: 1, longest: c.Longest}
	if c.Concern == "majority" {
		s.together = (c.Nodes - 1) / 2
	}
	for _, t := range Troubles {
		if c.Only == "" || strings.Contains(string(t), c.Only) {
			s.only = append(s.only, t)
		}
	}
	if c.Nodes == 1 {
		s.only = slices.DeleteFunc(s.only, needsOthers)
	}
	return s
}

// needsOthers is what a node alone cannot suffer, or not without loss.
func needsOthers(t Trouble) bool {
	switch t {
	case Wipe, Strand, Isolate, Deaf, Mute, Unlink, Slow, Lossy, Replace:
		return true
	}
	return false
}

// next draws a round. Each of its faults has a victim of its own.
func (s *schedule) next() round {
	n := 1
	if s.together > 1 {
		n += s.rng.IntN(s.together)
	}
	r := round{rest: s.between(500*time.Millisecond, 2*time.Second)}
	victims := s.rng.Perm(s.nodes)
	for _, victim := range victims[:n] {
		t := s.draw()
		if t == Rolling && n > 1 {
			t = Drain // a rolling restart takes every node
		}
		r.faults = append(r.faults, s.fault(t, victim))
	}
	return r
}

// draw takes from a shuffled deck, so that a short run has many sorts.
func (s *schedule) draw() Trouble {
	if len(s.deck) == 0 {
		s.deck = slices.Clone(s.only)
		s.rng.Shuffle(len(s.deck), func(i, j int) { s.deck[i], s.deck[j] = s.deck[j], s.deck[i] })
	}
	t := s.deck[0]
	s.deck = s.deck[1:]
	return t
}

func (s *schedule) fault(t Trouble, victim int) Fault {
	f := Fault{Trouble: t, Victim: victim, For: s.between(time.Second, min(s.longest, 6*time.Second))}
	switch t {
	case Kill, Wipe, Drain, Rolling, Replace:
		f.For = s.between(0, min(s.longest, 3*time.Second)) // that it is away
	case Pause:
		f.For = s.between(time.Second, s.longest)
	case Isolate, Strand, Deaf, Mute:
		f.For = s.between(time.Second, min(s.longest, 10*time.Second))
	case Unlink:
		f.Other = (victim + 1 + s.rng.IntN(s.nodes-1)) % s.nodes
	case Slow:
		f.Rule = Rule{Delay: s.between(20*time.Millisecond, 300*time.Millisecond), Jitter: s.between(0, 100*time.Millisecond)}
	case Lossy:
		f.Rule = Rule{Loss: 0.02 + 0.28*s.rng.Float64()}
	case Skew:
		f.Skew = s.between(30*time.Second, 10*time.Minute)
		if s.rng.IntN(2) == 0 {
			f.Skew = -f.Skew
		}
	case Full:
		if s.rng.IntN(2) == 0 {
			f.Grace = 3 * time.Second // a node looks at its free space once a second
			f.For = s.between(f.Grace, 6*time.Second)
		}
	case BadDisk:
		f.Sync = s.between(20*time.Millisecond, 200*time.Millisecond)
	}
	return f
}

func (s *schedule) between(least, most time.Duration) time.Duration {
	d := least + time.Duration(s.rng.Float64()*float64(most-least))
	return d.Round(time.Millisecond)
}
