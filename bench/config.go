package bench

import (
	"errors"
	"fmt"
	"time"
)

// Config is one run.
type Config struct {
	URLs   []string // base addresses of the nodes, http://host:port; connections take turns
	Secret []byte   // the HS256 secret of --auth-jwt-secret: users and rooms are made by token

	Users    int           // connections, one a user
	Rooms    int           // every user is in one
	Rate     float64       // posts a second, in all
	Warmup   time.Duration // load before the counting starts
	Duration time.Duration
	Body     int // bytes of a message
	Stalled  int // users who stop reading when the load starts
	PID      int // process to watch for CPU and memory; 0: none

	Progress func(done, total time.Duration) // about once a second; may be nil
}

// Scenarios are the named loads: as data, for the command line and the docs.
var Scenarios = map[string]Config{
	"rooms": {Users: 1000, Rooms: 50, Rate: 200, Body: 200, Warmup: 2 * time.Second, Duration: 15 * time.Second},
	"hall":  {Users: 1000, Rooms: 1, Rate: 20, Body: 200, Warmup: 2 * time.Second, Duration: 15 * time.Second},
}

// Validate tells what is wrong with a Config.
func (c Config) Validate() error {
	switch {
	case len(c.URLs) == 0:
		return errors.New("no server address")
	case c.Users < 1 || c.Rooms < 1 || c.Rooms > c.Users:
		return fmt.Errorf("%d users cannot be in %d rooms", c.Users, c.Rooms)
	case c.Rate <= 0 || c.Duration <= 0:
		return errors.New("rate and duration must be above 0")
	case c.Body < minBody:
		return fmt.Errorf("a body needs %d bytes for its mark", minBody)
	case c.Stalled < 0 || c.Stalled >= c.Users:
		return fmt.Errorf("%d of %d users cannot stall", c.Stalled, c.Users)
	}
	return nil
}
