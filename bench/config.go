package bench

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Kind is what a scenario does with its users.
type Kind string

const (
	Fanout  Kind = "fanout"   // post at a rate, and measure every delivery
	FindMax Kind = "find-max" // the highest rate of a fanout that keeps its bounds
	Idle    Kind = "idle"     // hold connections, and measure what one costs
	Storm   Kind = "storm"    // cut all connections at once, and have all come back
	History Kind = "history"  // load random pages of a large room
	Pages   Kind = "pages"    // read the newest pages of many rooms over HTTP while messages come
)

// Config is one run.
type Config struct {
	Summary  string // of a scenario, for --help
	Kind     Kind
	URLs     []string // base addresses of the nodes, http://host:port; clients take turns
	Protocol Protocol // that they speak; nil: klatch's, in JSON, with Secret
	Secret   []byte   // the HS256 secret of --auth-jwt-secret: users and rooms are made by token

	Users    int           // connections, one a user
	Rooms    int           // every user is in one
	Rate     float64       // posts a second in all; of pages for History and Pages; where FindMax begins
	Posts    float64       // a second in all, beside the pages of Pages
	Warmup   time.Duration // load before the counting starts
	Duration time.Duration
	Body     int // bytes of a message
	Stalled  int // users who stop reading when the load starts
	Messages int // in each room before the load starts

	NoCache bool // Pages: ask with Cache-Control: no-cache, so that the server answers without its caches

	MaxP99 time.Duration // FindMax: the bound to keep

	PIDs    []int    // processes of the server, to watch in /proc
	Metrics []string // addresses of the nodes' /metrics, to watch where there is no PID

	Progress func(Progress) // about ten times a second; may be nil
}

// Progress is how far a run has come.
type Progress struct {
	Phase string  // what is being done
	Done  float64 // of the phase, 0 to 1
}

// Scenarios are the named loads: as data, for the command line and the docs.
var Scenarios = map[string]Config{
	"rooms":   {Summary: "1,000 users in 50 rooms of 20, 200 posts a second", Kind: Fanout, Users: 1000, Rooms: 50, Rate: 200, Body: 200, Warmup: 2 * time.Second, Duration: 15 * time.Second},
	"hall":    {Summary: "1,000 users in one room, 20 posts a second", Kind: Fanout, Users: 1000, Rooms: 1, Rate: 20, Body: 200, Warmup: 2 * time.Second, Duration: 15 * time.Second},
	"idle":    {Summary: "hold 15,000 connections, and tell what one costs", Kind: Idle, Users: 15000, Rooms: 750, Duration: 30 * time.Second},
	"storm":   {Summary: "cut 10,000 sessions off, and have all come back at once", Kind: Storm, Users: 10000, Rooms: 500, Messages: 5, Body: 200, Duration: time.Minute},
	"history": {Summary: "random pages of a room with 100,000 messages, 200 a second", Kind: History, Users: 50, Rooms: 1, Rate: 200, Messages: 100_000, Body: 200, Warmup: time.Second, Duration: 15 * time.Second},
	"pages":   {Summary: "1,000 users read the newest pages of 200 rooms, 2,000 a second, with 50 posts a second", Kind: Pages, Users: 1000, Rooms: 200, Rate: 2000, Posts: 50, Messages: 200, Body: 200, Warmup: 2 * time.Second, Duration: 15 * time.Second},
}

// ToFindMax turns a fanout into the search for its highest rate.
func (c Config) ToFindMax() Config {
	c.Kind, c.MaxP99 = FindMax, 100*time.Millisecond
	c.Warmup, c.Duration = time.Second, 4*time.Second
	return c
}

// ScenarioNames are the names of Scenarios, in order.
func ScenarioNames() []string { return slices.Sorted(maps.Keys(Scenarios)) }

// Validate tells what is wrong with a Config.
func (c Config) Validate() error {
	posts := c.Kind != Idle
	switch {
	case len(c.URLs) == 0:
		return errors.New("no server address")
	case c.Users < 1 || c.Rooms < 1 || c.Rooms > c.Users:
		return fmt.Errorf("%d users cannot be in %d rooms", c.Users, c.Rooms)
	case c.Kind != Storm && c.Kind != Idle && c.Rate <= 0:
		return errors.New("the rate must be above 0")
	case c.Duration <= 0:
		return errors.New("the duration must be above 0")
	case posts && c.Body < minBody:
		return fmt.Errorf("a body needs %d bytes for its mark", minBody)
	case c.Stalled < 0 || c.Stalled >= c.Users || c.Stalled > 0 && c.Kind != Fanout:
		return fmt.Errorf("%d of %d users cannot stall", c.Stalled, c.Users)
	case c.Posts < 0:
		return errors.New("the posts a second must be 0 or more")
	case c.Messages < 0 || (c.Kind == History || c.Kind == Pages) && c.Messages < pageLimit:
		return fmt.Errorf("%d messages are too few to page through", c.Messages)
	}
	for _, u := range c.URLs {
		if _, err := parseBase(u); err != nil {
			return err
		}
	}
	return nil
}

// parseBase reads the address of a node. Names are not looked up: a bench says
// which machine it means.
func parseBase(base string) (netip.AddrPort, error) {
	rest, ok := strings.CutPrefix(strings.TrimRight(base, "/"), "http://")
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%s: the load generator speaks plain http://", base)
	}
	if strings.HasPrefix(rest, "localhost:") {
		rest = "127.0.0.1" + strings.TrimPrefix(rest, "localhost")
	}
	a, err := netip.ParseAddrPort(rest)
	if err != nil {
		return a, fmt.Errorf("%s: want http://ADDRESS:PORT with an IPv4 address: %w", base, err)
	}
	return a, nil
}
