package nemesis

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	s := newStory()
	s.wipe()
	s.a2.Level = "local"
	s.drop("ID3")
	s.a.Gone[0].Online = []string{ben}
	r := &Result{
		Config: Config{Seed: 42, Nodes: 2, Concern: "one", Users: 2}, Network: Netns,
		History: s.h, Verdict: Check(&s.h, &s.a), Length: time.Minute,
	}
	text := Report([]*Result{r})
	for _, want := range []string{
		"Seed 42; 1m0s with 1 faults; 2 users.", "| lost | 0 | I1", "| zombie | 1 | shown", "1 went with a disk: map[post:1]",
		"| kill -9, disk lost | 1 |", "| post | 4 | 0 | 0 | 1 | 3 | 0 |", "1 reads were held against the write before them, 2 posts",
		"| while nothing was wrong | 9 | 1.0 ms |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
}
