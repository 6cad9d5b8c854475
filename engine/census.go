package engine

import "time"

// Bounds of one run of a census: what is left waits for the next.
const (
	censusTime = 20 * time.Millisecond
	censusStep = 64 // users looked at between two looks at the clock
)

// census counts who is present in large rooms: users with a session here, and
// those on peers who are members. These must be looked up one by one, so a count
// may take more than one run. It belongs to the goroutine of presence.
type census struct {
	presence *presence

	queue  []ID // rooms whose count may have changed, oldest first
	queued map[ID]struct{}

	// The count under way; the zero room is none.
	room   ID
	here   map[ID]struct{}
	others []ID // not looked at yet
	online int
}

func (c *census) add(room ID) {
	if _, ok := c.queued[room]; !ok {
		c.queued[room] = struct{}{}
		c.queue = append(c.queue, room)
	}
}

// run counts, and tells, as many rooms as the time allows, and looks at some
// users at least.
func (c *census) run() {
	start := time.Now()
	var others []ID // read once: rooms that change together are many
	for {
		if c.room.IsZero() {
			if len(c.queue) == 0 {
				return
			}
			if others == nil {
				others = c.presence.usersElsewhere()
			}
			c.begin(others)
		}
		c.step()
		if time.Since(start) >= censusTime {
			return
		}
	}
}

func (c *census) begin(others []ID) {
	c.room, c.queue = c.queue[0], c.queue[1:]
	delete(c.queued, c.room)
	c.here, c.others = c.presence.engine.hub.usersIn(c.room), others
	c.online = len(c.here)
}

// step looks at some more users, and tells the count when there are none.
func (c *census) step() {
	e := c.presence.engine
	n := min(censusStep, len(c.others))
	for _, user := range c.others[:n] {
		if _, ok := c.here[user]; ok {
			continue
		}
		role, err := e.store.Role(c.room, user)
		if err != nil {
			e.log.Error("who is online in a room could not be counted", "room", c.room, "err", err)
			c.end()
			return
		}
		if role != RoleNone {
			c.online++
		}
	}
	if c.others = c.others[n:]; len(c.others) == 0 {
		online := c.online
		e.hub.broadcast(c.room, &PresenceNotice{Type: "presence", Room: c.room, Online: &online}, ID{})
		c.end()
	}
}

func (c *census) end() { c.room, c.here, c.others = ID{}, nil, nil }
