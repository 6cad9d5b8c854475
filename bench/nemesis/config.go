package nemesis

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// Config says what to run. Binary and Dir must be set; it is built with the tag nemesis.
type Config struct {
	Binary string
	Dir    string // for data and logs
	Log    io.Writer

	Seed    uint64
	Nodes   int    // 3
	Concern string // local, one or majority; one
	Network string // netns, proxy or auto; auto

	// The faults go on for Time, and until there have been Faults of them.
	Time    time.Duration // 20 s
	Faults  int
	Longest time.Duration // of one fault; 15 s
	Only    string        // troubles whose name contains it

	Users int           // 8
	Pause time.Duration // between the operations of one user, on average; 60 ms

	Args []string // further flags of serve
}

func (c Config) withDefaults() (Config, error) {
	c.Nodes = cmp.Or(c.Nodes, 3)
	c.Concern = cmp.Or(c.Concern, "one")
	c.Network = cmp.Or(c.Network, Auto)
	c.Time = cmp.Or(c.Time, 20*time.Second)
	c.Longest = cmp.Or(c.Longest, 15*time.Second)
	c.Users = cmp.Or(c.Users, 8)
	c.Pause = cmp.Or(c.Pause, 60*time.Millisecond)
	if c.Log == nil {
		c.Log = io.Discard
	}
	switch {
	case c.Binary == "" || c.Dir == "":
		return c, errors.New("nemesis: a binary and a directory are needed")
	case c.Nodes < 1 || c.Nodes > 100:
		return c, fmt.Errorf("nemesis: %d nodes", c.Nodes)
	case c.Users < 2:
		return c, errors.New("nemesis: at least two users are needed")
	}
	return c, nil
}
