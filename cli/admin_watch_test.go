package cli

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine/api"
)

func TestRates(t *testing.T) {
	first := &seenStats{api.NodeStats{Node: "a", Uptime: 100, Posts: 1000, Deliveries: 5000, Cache: []api.CacheStats{{Name: "pages", Hits: 90, Misses: 10}}}}
	then := &seenStats{api.NodeStats{Node: "a", Uptime: 102, Posts: 1010, Deliveries: 5100, Cache: []api.CacheStats{{Name: "pages", Hits: 91, Misses: 13}, {Name: "idle"}}}}
	again := &seenStats{api.NodeStats{Node: "a", Uptime: 2, Posts: 4}}
	for name, test := range map[string]struct {
		before, now *seenStats
		posts       float64
		pages       string
	}{
		"since the start": {nil, first, 10, "0.900"},
		"between looks":   {first, then, 5, "0.250"},
		"of a new start":  {then, again, 2, "-"},
	} {
		r := ratesSince(test.before, test.now, 2*time.Second)
		if r.posts != test.posts || r.ratio("pages") != test.pages || r.ratio("idle") != "-" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Nothing that a node says can write outside the screen or move what is below.
func TestScreenHoldsThePicture(t *testing.T) {
	var out strings.Builder
	v := &screenView{w: &out, size: func() (int, int) { return 30, 6 }}
	s := &seenStats{api.NodeStats{Node: "\x1b[2J" + strings.Repeat("n", 100), Cluster: []api.PeerStats{{Node: "\x1b]0;x\a"}}}}
	for range 3 {
		if err := v.show(nil, s, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	v.end()
	frames := strings.Split(out.String(), goHome)
	if len(frames) != 4 || frames[0] != enterScreen {
		t.Fatalf("%d frames, the first begins %q", len(frames)-1, frames[0])
	}
	for _, frame := range frames[1:] {
		frame, _, ended := strings.Cut(frame, clearBelow)
		lines := strings.Split(frame, "\r\n")
		if !ended || len(lines) != 6 {
			t.Errorf("a frame of %d lines", len(lines))
		}
		for _, line := range lines {
			text := strings.TrimSuffix(line, clearLine)
			if utf8.RuneCountInString(text) > 30 || strings.ContainsAny(text, "\x1b\a") {
				t.Errorf("line %q", text)
			}
		}
	}
	if !strings.Contains(out.String(), leaveScreen+"node") || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("it ends with %q", out.String()[len(out.String())-50:])
	}
}
