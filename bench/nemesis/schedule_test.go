package nemesis

import (
	"fmt"
	"testing"
	"time"
)

func drawn(t *testing.T, c Config, rounds int) (list []round) {
	t.Helper()
	c.Binary, c.Dir = "klatch", "dir"
	c, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := newSchedule(c)
	for range rounds {
		list = append(list, s.next())
	}
	return list
}

// A run can be repeated from its seed.
func TestScheduleIsItsSeed(t *testing.T) {
	for _, concern := range []string{"local", "one", "majority"} {
		a := drawn(t, Config{Seed: 1, Concern: concern, Nodes: 5}, 100)
		b := drawn(t, Config{Seed: 1, Concern: concern, Nodes: 5}, 100)
		other := drawn(t, Config{Seed: 2, Concern: concern, Nodes: 5}, 100)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: one seed has two schedules", concern)
		}
		if fmt.Sprint(a) == fmt.Sprint(other) {
			t.Errorf("%s: two seeds have one schedule", concern)
		}
	}
}

// No more nodes fail at a time than the write concern bears, and every sort of
// fault comes.
func TestScheduleKeepsItsBounds(t *testing.T) {
	for _, c := range []struct {
		concern     string
		nodes, most int
	}{{"one", 3, 1}, {"majority", 3, 1}, {"majority", 5, 2}, {"local", 3, 1}} {
		seen, together := map[Trouble]int{}, 0
		for _, r := range drawn(t, Config{Seed: 3, Concern: c.concern, Nodes: c.nodes, Longest: 15 * time.Second}, 400) {
			victims := map[int]bool{}
			for _, f := range r.faults {
				victims[f.Victim] = true
				seen[f.Trouble]++
				if f.For > 15*time.Second || f.Victim >= c.nodes || f.Trouble == Unlink && f.Other == f.Victim {
					t.Errorf("%s: %+v", c.concern, f)
				}
			}
			if len(victims) != len(r.faults) {
				t.Errorf("%s: one victim has two faults: %v", c.concern, r.faults)
			}
			together = max(together, len(r.faults))
		}
		if together != c.most {
			t.Errorf("%s with %d nodes: up to %d fail at a time, want %d", c.concern, c.nodes, together, c.most)
		}
		if len(seen) != len(Troubles) {
			t.Errorf("%s: only %d sorts of faults of %d", c.concern, len(seen), len(Troubles))
		}
	}
}
