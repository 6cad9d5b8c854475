package bench

import (
	"fmt"
	"net/http"
)

// read asks for a room's newest page and checks it. What is known of the room
// before the request leaves must be in the answer.
func (p *readership) read(c *caller, j job) {
	known := p.newest.known(j.room)
	header := p.header
	if len(p.cfg.URLs) > 1 { // another node may have acknowledged it: then only this makes it due (I8)
		header += "Klatch-After: " + known.position + "\r\n"
	}
	a, err := c.get(roomPath(p.rooms[j.room])+"/messages?limit=50", p.tokens[j.user], header)
	var page pageFound
	if err == nil {
		page, err = p.checked(a, j)
	}
	if c.ctx.Err() == nil {
		p.count(j, a, err, page.newest < known.id)
	}
}

func (p *readership) checked(a reply, j job) (page pageFound, err error) {
	if err = wants(http.StatusOK, a); err == nil {
		page, err = readPage(a.body, p.rooms[j.room])
	}
	if err == nil && page.items != pageLimit {
		err = fmt.Errorf("a page of %d messages", page.items)
	}
	return page, err
}

// count takes one answer, or what came instead.
func (p *readership) count(j job, a reply, err error, stale bool) {
	now := p.since()
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.answers.Add(1)
	if err != nil {
		p.tally.fail(&Client{Index: j.user}, err.Error())
		return
	}
	p.tally.answered.Add(1)
	p.tally.latency(now, j.at)
	p.bytes += uint64(len(a.body))
	if stale {
		p.found.Stale++
	}
	if j.at >= p.tally.from {
		p.found.XCache[cacheWord(a.xCache)]++
	}
}

func cacheWord(x string) string {
	switch x {
	case "":
		return "none"
	case "HIT", "MISS", "BYPASS":
		return x
	}
	return "other"
}

func roomPath(room string) string { return "/api/v1/rooms/" + room }

func wants(status int, a reply) error {
	if a.status != status {
		return fmt.Errorf("the server answered %d: %.200s", a.status, a.body)
	}
	return nil
}
