package nemesis

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"
)

var (
	seed    = flag.Uint64("nemesis.seed", 0, "of the schedule of faults; 0: another one each time")
	span    = flag.Duration("nemesis.time", 0, "how long faults go on; 0: the short mode")
	faults  = flag.Int("nemesis.faults", 0, "have at least so many")
	nodes   = flag.Int("nemesis.nodes", 3, "how many nodes")
	network = flag.String("nemesis.network", Auto, "netns, proxy or auto")
	concern = flag.String("nemesis.concern", "one", "write concern: local, one or majority; or all of them in turn")
	only    = flag.String("nemesis.only", "", "only the troubles whose name contains this")
	users   = flag.Int("nemesis.users", 8, "how many users")
	pause   = flag.Duration("nemesis.pause", 60*time.Millisecond, "of a user between two operations, on average")
	report  = flag.String("nemesis.report", "", "write the report to this file")
	keep    = flag.String("nemesis.keep", "", "keep data and logs in this directory")
)

// I1 to I8: real processes, real faults, and a checker that believes nothing
// but what clients were told.
func TestNemesis(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	binary := klatch(t)
	var results []*Result
	for _, c := range plan() {
		t.Run(c.Concern+" on "+c.Network, func(t *testing.T) {
			c.Binary = binary
			if r := torment(ctx, t, c); r != nil {
				results = append(results, r)
			}
		})
	}
	if *report != "" {
		if err := os.WriteFile(*report, []byte(Page(results)), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// plan is the runs that the flags ask for; without any the short mode, which has
// both networks.
func plan() []Config {
	c := Config{
		Seed: *seed, Nodes: *nodes, Concern: *concern, Network: *network, Time: *span, Faults: *faults,
		Only: *only, Users: *users, Pause: *pause,
	}
	for c.Seed == 0 {
		c.Seed = rand.Uint64() >> 32 // to be typed
	}
	switch {
	case *span == 0 && *faults == 0:
		c.Time, c.Longest = 16*time.Second, 4*time.Second
		one, most := c, c
		most.Concern, most.Network, most.Time = "majority", Proxy, 10*time.Second
		return []Config{one, most}
	case *concern == "all":
		one, most, local := c, c, c
		one.Concern, one.Time, one.Faults = "one", c.Time*45/100, c.Faults*50/100
		most.Concern, most.Time, most.Faults, most.Nodes = "majority", c.Time*45/100, c.Faults*50/100, max(c.Nodes, 5)
		local.Concern, local.Time, local.Faults, local.Only = "local", c.Time/10, 0, "disk lost"
		if c.Network == Auto {
			local.Network = Proxy
		}
		return []Config{one, most, local}
	}
	return []Config{c}
}

func torment(ctx context.Context, t *testing.T, c Config) *Result {
	c.Dir, c.Log = directory(t), logWriter{t}
	t.Logf("seed %d, %d nodes, concern %s", c.Seed, c.Nodes, c.Concern)
	r, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", Report([]*Result{r}))
	if crimes := r.Verdict.Guilty(); len(crimes) > 0 {
		t.Errorf("%s\nrepeat with -nemesis.seed %d\n%s", strings.Join(crimes, ", "), c.Seed, strings.Join(r.Verdict.Details, "\n"))
	}
	return r
}

// directory is where a run lives. It stays when the run failed, for its logs.
func directory(t *testing.T) string {
	parent := *keep
	if parent == "" {
		parent = os.TempDir()
	}
	dir, err := os.MkdirTemp(parent, "nemesis-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || *keep != "" {
			t.Logf("logs and data are in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

type logWriter struct{ t *testing.T }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Helper()
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}
