package engine

// What the other nodes say of their sessions, and what they pass on from them.

// PeerPresent takes what a peer says of users who have sessions there; Offline
// is for those who have none any more. A peer that begins anew is gone first.
func (e *Engine) PeerPresent(node Origin, changes []Presence) {
	p := e.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	users := p.remote[node]
	if users == nil {
		users = map[ID]Status{}
		p.remote[node] = users
	}
	for _, c := range changes {
		if users[c.User] == c.Status {
			continue
		}
		if presenceRank[c.Status] > 0 {
			users[c.User] = c.Status
		} else {
			delete(users, c.User)
		}
		p.dirty[c.User] = struct{}{}
	}
	if len(users) == 0 {
		delete(p.remote, node)
	}
}

// PeerGone forgets all that a peer has said.
func (e *Engine) PeerGone(node Origin) {
	p := e.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	for user := range p.remote[node] {
		p.dirty[user] = struct{}{}
	}
	delete(p.remote, node)
}

// Presences returns what the peers have been told of the users here, by
// Peers.Present, up to now: what changes later is told then.
func (e *Engine) Presences() []Presence {
	p := e.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Presence, 0, len(p.said))
	for user, status := range p.said {
		all = append(all, Presence{user, status})
	}
	return all
}

// PeerNotice tells the sessions here what a peer relays: a *TypingNotice or a *SignalNotice.
func (e *Engine) PeerNotice(notice any) {
	switch n := notice.(type) {
	case *TypingNotice:
		e.tellTyping(n, e.large(n.Room))
	case *SignalNotice:
		e.hub.broadcast(n.Room, n, ID{})
	}
}

// relay passes a notice that is no event to the peers.
func (e *Engine) relay(notice any) {
	if e.cfg.Peers != nil {
		e.cfg.Peers.Relay(notice)
	}
}

// elsewhere returns a user's status by what the peers say.
func (p *presence) elsewhere(user ID) Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := Offline
	for _, users := range p.remote {
		best = moreOf(best, users[user])
	}
	return best
}

// usersElsewhere returns every user who has a session on a peer, once.
func (p *presence) usersElsewhere() (users []ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	nodes := make([]map[ID]Status, 0, len(p.remote))
	for _, here := range p.remote {
		for user := range here {
			if !anyHas(nodes, user) {
				users = append(users, user)
			}
		}
		nodes = append(nodes, here)
	}
	return users
}

func anyHas(nodes []map[ID]Status, user ID) bool {
	for _, users := range nodes {
		if _, ok := users[user]; ok {
			return true
		}
	}
	return false
}

// say reports whether the peers must hear of a user's status here, and remembers that they do.
func (p *presence) say(user ID, here Status) bool {
	if p.engine.cfg.Peers == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was, ok := p.said[user]
	if here == Offline {
		delete(p.said, user)
		return ok
	}
	p.said[user] = here
	return was != here
}
