package bench

import (
	"net/http"
)

// write posts in a room.
func (p *readership) write(c *caller, j job) {
	err := p.post(c, j)
	now := p.since()
	if c.ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.acks.Add(1)
	if err != nil {
		p.tally.fail(&Client{Index: j.user}, err.Error())
		return
	}
	p.found.Acknowledged++
	if j.at >= p.tally.from {
		record(p.posts, now-j.at)
	}
}

func (p *readership) post(c *caller, j job) error {
	m := mark{j.user, p.number.Add(1), j.at}
	body := append(m.appendBody([]byte(`{"body":"`), p.cfg.Body), `"}`...)
	a, err := c.post(roomPath(p.rooms[j.room])+"/messages", p.tokens[j.user], body)
	if err == nil {
		err = wants(http.StatusCreated, a)
	}
	if err == nil {
		p.newest.acknowledged(j.room, newest{quoted(after(a.body, itemKey)), a.position})
	}
	return err
}
