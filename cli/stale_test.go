package cli

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The model of the caches: no cached answer is one that the uncached path could
// not have given at or after the reader's position (I8).
//
// Each room has one writer, at one node, and so has each account that is watched:
// what is seen of it is a sequence of states, S0, S1, S2 ... After each write
// that is acknowledged the writer reads all views of its room, as each kind of
// member and as a stranger, past the caches (Cache-Control: no-cache): that is
// the next state. So that this is no matter of faith, the writer also holds it
// to a ledger of what it has written.
//
// Readers at all nodes meanwhile read the same views through the caches. Each
// knows the newest write that it may rely on (i, by its Klatch-After, or since
// it reads where that was acknowledged) and the last one that had begun when the
// answer came (j). The answer must be one of Si ... Sj: status, body, ETag and
// Link. A 304 must be for a tag of one of these.
//
// One thing is allowed beside. Most answers take more than one read of the
// store, cached or not, and a write may become visible between two of them. So
// where i < j an answer that is none of the states may still be made of parts of
// them; such answers are counted (torn), and what is cached of one is held to
// its own i and j each time that it is given.
const (
	stalePatience = 3 * time.Minute // without any answer at all
	staleMore     = 50_000          // answers more than it needs, for one of every sort to come
	staleShown    = 8               // violations of which all is told
	// staleThreads are more than there are processors, so that the kernel stops readings in the midst.
	staleThreads = 16
)

var (
	staleAnswers = flag.Int("stale.answers", 0, "how many answers the model of the caches checks; 0: enough for a short test")
	staleNodes   = flag.Int("stale.nodes", 0, "on how many nodes it runs, 1 or 3; 0: both")
	staleSeed    = flag.Uint64("stale.seed", 0, "what its writers and readers do; 0: anything")
	staleProfile = flag.String("stale.profile", "", "write a CPU profile of the model of the caches to this file")
)

func TestI8NeverStale(t *testing.T) {
	if *staleProfile != "" {
		f, err := os.Create(*staleProfile)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(staleThreads))
	for _, nodes := range []int{1, 3} {
		if *staleNodes != 0 && *staleNodes != nodes {
			continue
		}
		t.Run(fmt.Sprint("nodes ", nodes), func(t *testing.T) {
			size := staleSize{nodes: nodes, rooms: 4, accounts: 1, readers: 18, answers: 2500, prefill: [4]int{12, 48, 12, 48}}
			if *staleAnswers > 0 {
				size = staleSize{nodes: nodes, rooms: 12, accounts: 3, readers: 45, answers: *staleAnswers, prefill: [4]int{12, 48, 197, 197}}
			}
			newStale(t, size, http.DefaultTransport.(*http.Transport).Clone()).run()
		})
	}
}

// staleSize is how much of everything there is.
type staleSize struct {
	nodes, rooms, accounts, readers, answers int
	// prefill is how many messages rooms have at first: enough for a short page,
	// nearly enough for a usual one, or nearly for the longest.
	prefill [4]int
}

// stale is one run of the model.
type stale struct {
	t    *testing.T
	size staleSize
	seed uint64
	// complain hears of every answer that is wrong.
	complain func(args ...any)

	nodes []*node
	http  *http.Client

	rooms    []*staleRoom
	accounts []*staleAccount
	lines    []*staleLine // of both
	viewer   stalePersona // somebody who has to do with nobody

	begins  *staleVolley // of writes
	acks    *staleVolley
	tally   staleTally
	stopped chan struct{}
	stop    func()
}

func newStale(t *testing.T, size staleSize, transport http.RoundTripper) *stale {
	t.Helper()
	x := &stale{t: t, complain: t.Error, size: size, seed: *staleSeed, begins: newStaleVolley(), acks: newStaleVolley(), stopped: make(chan struct{})}
	x.stop = sync.OnceFunc(func() { close(x.stopped); x.wakeAll() })
	if x.seed == 0 {
		x.seed = rand.Uint64()
	}
	if tr, ok := transport.(*http.Transport); ok {
		tr.MaxIdleConnsPerHost, tr.DisableCompression = 256, true
		t.Cleanup(tr.CloseIdleConnections)
	}
	x.http = &http.Client{Transport: transport, Timeout: time.Minute}
	x.open()
	return x
}

// open starts the nodes and makes everybody and everything on them.
func (x *stale) open() {
	x.t.Helper()
	x.t.Cleanup(x.probesEnd) // after the nodes have stopped
	for range x.size.nodes {
		flags := values{"memory": "128MiB", "rate-limit": "off", "registration": "open", "auth-jwt-secret": staleSecret}
		if x.size.nodes > 1 {
			flags["cluster-addr"] = "127.0.0.1:0"
		}
		if len(x.nodes) > 0 {
			flags["join"] = x.nodes[0].members.Addr()
		}
		n, _ := startNode(x.t, x.t.TempDir(), flags)
		awaitStatus(x.t, n.public.url()+"/readyz", http.StatusOK)
		x.nodes = append(x.nodes, n)
	}
	x.viewer = x.persona("viewer", 0)
	x.rooms, x.accounts = make([]*staleRoom, x.size.rooms), make([]*staleAccount, x.size.accounts)
	var makers sync.WaitGroup
	for i := range x.rooms {
		makers.Go(func() { x.rooms[i] = x.newRoom(i) })
	}
	for i := range x.accounts {
		makers.Go(func() { x.accounts[i] = x.newAccount(i) })
	}
	makers.Wait()
	if x.t.Failed() {
		x.t.FailNow()
	}
	for _, r := range x.rooms {
		x.lines = append(x.lines, r.staleLine)
	}
	for _, a := range x.accounts {
		x.lines = append(x.lines, a.staleLine)
	}
	// A node that does not know a user of another backend makes one: by then all must know all.
	for _, line := range x.lines {
		for node := range x.nodes {
			x.must(staleCall{node: node, path: "/me", token: x.viewer.token, after: line.position})
			line.seen[node] = line.acked
		}
	}
}

// probesEnd waits for memberlist: a probe of its that is under way when it is
// shut down goes on for seconds, and would count as a leak.
func (x *stale) probesEnd() {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	stacks := make([]byte, 4<<20)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-look.C {
		if n := runtime.Stack(stacks, true); !bytes.Contains(stacks[:n], []byte("memberlist.(*Memberlist).probe")) {
			return
		}
	}
	x.t.Error("memberlist goes on to probe")
}

// run has all of them at work until there are enough answers, and judges.
func (x *stale) run() {
	x.t.Helper()
	var writers, readers sync.WaitGroup
	for _, r := range x.rooms {
		writers.Go(r.write)
	}
	for _, a := range x.accounts {
		writers.Go(a.write)
	}
	for _, line := range x.lines {
		select {
		case <-line.opened:
		case <-x.stopped:
		}
	}
	for i := range x.size.readers {
		r := &staleReader{x: x, rng: x.rng(fmt.Sprint("reader ", i))}
		readers.Go([]func(){r.read, func() { r.follow(x.begins) }, func() { r.follow(x.acks) }}[i%3])
	}
	x.await()
	readers.Wait()
	writers.Wait()
	for _, line := range x.lines {
		if n := len(line.open); n > 0 {
			x.t.Errorf("%s: %d answers were never judged", line.name, n)
		}
	}
	x.report()
}

// await returns when there are enough answers, or when something has gone wrong.
func (x *stale) await() {
	x.t.Helper()
	defer x.stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	last, since := uint64(0), time.Now()
	for {
		now := x.tally.cached()
		enough := now >= uint64(x.size.answers) && x.tally.allSorts()
		if enough && x.joined() > 0 || x.tally.wrong.Load() > 0 {
			return
		}
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > stalePatience || now > 2*uint64(x.size.answers)+staleMore {
			x.t.Errorf("it does not end: %d answers, %d of them joined; %s", now, x.joined(), &x.tally)
			return
		}
		select {
		case <-look.C:
		case <-x.stopped:
			return
		}
	}
}

// report tells what was attacked, and fails where that was little.
func (x *stale) report() {
	x.t.Helper()
	states, sight := 0, &x.tally
	for _, line := range x.lines {
		states += line.begun
	}
	x.t.Logf("seed %d: %s; %d writes, each with its state of every view", x.seed, sight, states)
	for i := range x.nodes {
		x.t.Logf("node %d: %s", i, x.cacheFigures(i))
	}
	if n := sight.wrong.Load(); n > 0 {
		x.t.Errorf("%d answers are none that could have been given", n)
	}
	hits, misses := sight.hits.Load(), sight.misses.Load()
	if 2*hits < 3*misses || misses == 0 || x.joined() == 0 {
		x.t.Errorf("%d hits, %d misses, %d joined: that attacks too little", hits, misses, x.joined())
	}
	if n := sight.refused.Load(); n > sight.answers()/20 {
		x.t.Errorf("%d requests were refused", n)
	}
}

// rng is what one of them does.
func (x *stale) rng(who string) *rand.Rand {
	var h uint64 = 14695981039346656037 // FNV-1a
	for _, b := range []byte(who) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(x.seed, h))
}

func (x *stale) over() bool {
	select {
	case <-x.stopped:
		return true
	default:
		return false
	}
}

func (x *stale) wakeAll() {
	x.begins.end()
	x.acks.end()
	for _, line := range x.lines {
		line.mu.Lock()
		line.moved.Broadcast()
		line.mu.Unlock()
	}
}

// fail ends the run for a mistake that is none of the caches'.
func (x *stale) fail(format string, args ...any) {
	x.t.Errorf(format, args...)
	x.stop()
}

const staleMetric = "klatch_http_cache_"

// cacheFigures are the metrics of a node's cache of answers.
func (x *stale) cacheFigures(node int) string {
	var all []string
	for line := range strings.Lines(x.metrics(node)) {
		if rest, ok := strings.CutPrefix(line, staleMetric); ok {
			all = append(all, strings.TrimSpace(rest))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// joined is how many answers were somebody else's reading.
func (x *stale) joined() (sum int) {
	for node := range x.nodes {
		for line := range strings.Lines(x.metrics(node)) {
			n := 0
			if _, err := fmt.Sscanf(line, staleMetric+"joined_total %d", &n); err == nil {
				sum += n
			} else if _, err := fmt.Sscanf(line, staleMetric+"joined %d", &n); err == nil {
				sum += n
			}
		}
	}
	return sum
}

func (x *stale) metrics(node int) string {
	resp, err := http.Get(x.nodes[node].ops.url() + "/metrics")
	if err != nil {
		x.fail("metrics: %v", err)
		return ""
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		x.fail("metrics: %v", err)
	}
	return b.String()
}
