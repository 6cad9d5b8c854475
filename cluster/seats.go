package cluster

import (
	"errors"
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// How this node keeps the roster, and tells it.

func (c *Cluster) loadRoster() error {
	c.roster = roster{}
	b, err := c.store.Local(rosterName)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err == nil {
		c.roster, err = parseRoster(b)
	}
	if err != nil {
		return fmt.Errorf("read the cluster's roster: %w", err)
	}
	return nil
}

// takeSeat enters this node in the roster.
func (c *Cluster) takeSeat() {
	c.mu.Lock()
	c.unsaved = c.roster.sit(c.origin, c.Addr(), c.cfg.Public) || c.unsaved
	seats := c.roster.seats()
	c.mu.Unlock()
	c.concern.members(seats)
	c.keepRoster()
}

// meet merges what a peer knows of the roster.
func (c *Cluster) meet(seats []seat) {
	c.mu.Lock()
	changed := c.roster.merge(seats)
	if s, ok := c.roster[c.origin]; ok && s.Left && !c.leaving {
		changed = c.roster.sit(c.origin, c.Addr(), c.cfg.Public) || changed
	}
	c.unsaved = c.unsaved || changed
	n := c.roster.seats()
	c.mu.Unlock()
	if changed {
		c.concern.members(n)
		c.tellRoster()
	}
}

func (c *Cluster) tellRoster() {
	c.mu.Lock()
	frame := encodeFrame(frameRoster, c.roster.list())
	c.mu.Unlock()
	for _, l := range c.allLinks() {
		l.send(frame)
	}
}

// keepRoster saves the roster where it has changed.
func (c *Cluster) keepRoster() {
	c.mu.Lock()
	unsaved, b := c.unsaved, encodeRoster(c.roster)
	c.unsaved = false
	c.mu.Unlock()
	if !unsaved {
		return
	}
	if err := c.store.SetLocal(rosterName, b); err != nil {
		c.mu.Lock()
		c.unsaved = true
		c.mu.Unlock()
	}
}
