package cli_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/bench"
)

var (
	soakDuration = flag.Duration("soak.duration", 4*time.Second, "how long the soak attacks the server")
	soakSeed     = flag.Uint64("soak.seed", 0, "of what the soak's attackers choose; 0: another one each time")
	soakOnly     = flag.String("soak.only", "", "run only the attacks whose name contains this")
)

const (
	soakAttackers   = 32
	soakNeighbours  = 4
	soakUsers       = 64  // as whom attackers come
	soakPlaces      = 200 // connections that the server takes
	soakUserPlaces  = 8   // ... of one user
	soakLong        = time.Minute
	soakInterval    = 2 * time.Second // of heartbeats
	soakTimeout     = 2 * time.Second
	soakTimeoutRace = 10 * time.Second // under the race detector a neighbour may be late itself

	soakGarden = "garden" // where the neighbours talk; attackers only listen there
	soakArena  = "arena"  // where attackers shout
)

// I5, I6, I9: clients misbehave in every way that we could think of, while a few
// neighbours talk. The server ends all that must end and nothing else, the
// neighbours get every message in order, and when the attackers have gone the
// server holds what it held before they came: descriptors, goroutines, memory,
// sessions, and every place under its limits.
//
// An attack is first run once or twice, so that pools, caches and the ring of
// recent events are as full as they get. What was before is read after that.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	s.start()
	for i := range soakNeighbours {
		s.settle(i)
	}
	s.cursor = s.neighbours[0].client.Cursor()
	s.fillRing()
	s.fillReaders()

	s.rehearse()
	before := s.rest("before the attack", func(g gauges) string { return g.occupied() })
	t.Logf("seed %d, %s", s.seed, *soakDuration)
	counted, err := s.metrics()
	if err != nil {
		t.Fatal(err)
	}
	most := s.attack()
	after := s.rest("after the attack", func(g gauges) string { return g.beyond(before) })

	t.Logf("what the server held:\n%s", gaugeTable(before, most, after))
	t.Logf("what it was attacked with:\n%s", s.tally.table())
	s.checkTally()
	s.checkEvictions(counted)
	s.checkNeighbours()
	s.checkPlaces()
	s.end()
}

type soak struct {
	t       *testing.T
	seed    uint64
	binary  string
	flags   []string
	server  *bench.Server
	secret  []byte
	addr    string // host and port
	ops     string // URL
	output  *soakLog
	long    bool
	timeout time.Duration // of heartbeats
	crowds  sync.Mutex    // one crowd at a time: it takes all places

	attacks    []*attack
	tokens     []string // of the attackers' users
	cursor     string   // from before everything
	neighbours []*neighbour
	leaving    atomic.Bool // the neighbours go
	tally      *tally
}

func newSoak(t *testing.T) *soak {
	s := &soak{
		t: t, seed: *soakSeed, secret: []byte(strings.Repeat("s", 32)),
		output: &soakLog{}, timeout: soakTimeout, long: *soakDuration >= soakLong, tally: newTally(),
	}
	for s.seed == 0 {
		s.seed = rand.Uint64()
	}
	for i := range soakUsers {
		s.tokens = append(s.tokens, s.token(fmt.Sprintf("attacker-%d", i), time.Now().Add(24*time.Hour), soakGarden, soakArena))
	}
	s.binary = filepath.Join(t.TempDir(), "klatch")
	args := []string{"build", "-o", s.binary}
	if underRace() {
		s.timeout = soakTimeoutRace
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "github.com/klatch-chat/klatch/cli/klatch")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s.chooseAttacks()
	return s
}

func (s *soak) chooseAttacks() {
	s.attacks = slices.Concat(httpAttacks, frameAttacks, protocolAttacks, readerAttacks, resetAttacks)
	if help, _ := exec.Command(s.binary, "serve", "--help").Output(); bytes.Contains(help, []byte("--compression")) {
		s.attacks = append(s.attacks, deflateAttacks...)
		s.flags = append(s.flags, "--compression", "on")
	}
	s.attacks = slices.DeleteFunc(s.attacks, func(k *attack) bool { return !strings.Contains(k.name, *soakOnly) })
}

// silence is after how much of it the server has ended any connection.
func (s *soak) silence() time.Duration { return soakInterval + s.timeout + 4*time.Second }

// underRace reports whether this test is under the race detector: then the server is too.
func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// start runs the server with short heartbeats and few places. The log is read
// at its most talkative: that is where net/http reports a handler's panic.
func (s *soak) start() {
	ops := freeAddr(s.t)
	s.flags = append(s.flags, "--ops-addr", ops, "--heartbeat-interval", soakInterval.String(), "--heartbeat-timeout", s.timeout.String(),
		"--max-connections", fmt.Sprint(soakPlaces), "--max-user-connections", fmt.Sprint(soakUserPlaces),
		"--rate-limit", "200/s,burst=400", "--memory", "8MiB", "--log-level", "debug")
	var err error
	s.server, err = bench.StartServer(context.Background(), bench.ServerConfig{
		Binary: s.binary, Data: filepath.Join(s.t.TempDir(), "data"), Secret: s.secret, Stderr: s.output,
		Args: s.flags,
	})
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.output)
	}
	s.addr, s.ops = strings.TrimPrefix(s.server.URL, "http://"), "http://"+ops
	s.t.Cleanup(func() {
		s.leaving.Store(true)
		for _, n := range s.neighbours {
			_ = n.client.Close()
		}
		if s.server != nil {
			_ = s.server.Kill()
		}
	})
}

// freeAddr is an address that was free a moment ago.
func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *soak) token(user string, expires time.Time, rooms ...string) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "rooms": rooms, "exp": expires.Unix(),
	}).SignedString(s.secret)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// fillReaders has the server need more goroutines at once than it keeps: inside
// a frame each connection has one.
func (s *soak) fillReaders() {
	a := &attacker{s: s, ctx: context.Background(), rng: rand.New(rand.NewPCG(s.seed, 2))}
	defer a.leave()
	for range soakPlaces / 2 {
		p, err := a.upgraded(false)
		if err != nil {
			s.t.Fatal(err)
		}
		p.write([]byte{p.data()})
	}
}

// rehearse runs each attack once, and then as they come for the warm-up's time.
func (s *soak) rehearse() {
	deck := make(chan *attack, len(s.attacks))
	for _, k := range s.attacks {
		deck <- k
	}
	close(deck)
	s.phase(max(3*time.Second, min(*soakDuration/10, soakLong)), func(a *attacker) *attack {
		if k, ok := <-deck; ok {
			return k
		}
		return s.attacks[a.rng.IntN(len(s.attacks))]
	})
	s.tally.reset()
}

// attack has every attacker go through all attacks in an order of its own,
// again and again, and returns the most that was seen of each gauge.
func (s *soak) attack() (most gauges) {
	decks := make([][]*attack, soakAttackers)
	return s.phase(*soakDuration, func(a *attacker) *attack {
		deck := decks[a.index]
		if len(deck) == 0 {
			deck = slices.Clone(s.attacks)
			a.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		decks[a.index] = deck[1:]
		return deck[0]
	})
}

// phase lets attackers and neighbours go at it for so long.
func (s *soak) phase(d time.Duration, next func(*attacker) *attack) (most gauges) {
	// No deadline, which dialing would hit before ctx has ended.
	ctx, cancel := context.WithCancel(context.Background())
	defer time.AfterFunc(d, cancel).Stop()
	defer cancel()
	var wg sync.WaitGroup
	for _, n := range s.neighbours {
		wg.Go(func() { n.talk(ctx) })
	}
	for i := range soakAttackers {
		a := &attacker{s: s, ctx: ctx, index: i, rng: rand.New(rand.NewPCG(s.seed, uint64(i)))}
		wg.Go(func() {
			for ctx.Err() == nil {
				a.attempt(next(a))
			}
		})
	}
	wg.Go(func() { most = s.watch(ctx) })
	wg.Wait()
	return most
}

// checkTally wants every attack to have run, where there was time for it.
func (s *soak) checkTally() {
	for _, k := range s.attacks {
		if wrong := s.tally.wrong(k); wrong != "" {
			s.t.Errorf("%s: ended with %s", k.name, wrong)
		}
		if s.long && s.tally.ran(k) == 0 {
			s.t.Errorf("%s: never ran", k.name)
		}
	}
}

// end stops the server, which under the race detector fails if there was a race.
func (s *soak) end() {
	s.leaving.Store(true)
	for _, n := range s.neighbours {
		_ = n.client.Close()
	}
	soakOperator.CloseIdleConnections()
	err := s.server.Stop()
	s.server = nil
	if err != nil {
		s.t.Errorf("the server: %v", err)
	}
	if s.output.suspicious() {
		s.t.Errorf("the server's log:\n%s", s.output)
	}
}
