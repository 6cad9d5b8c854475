package cluster

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/klatch-chat/klatch/engine"
)

// Bounds of what is not stored, for each link.
const (
	usersEvery = time.Second
	usersFrame = 16 << 10  // users told at once: 17 bytes each
	relayRate  = 512 << 10 // bytes of typing and signals a second
	// vouch is how long a peer's word about its users stands without a link to it.
	vouch = 3 * time.Second
)

var statusBytes = map[engine.Status]byte{engine.Offline: 0, engine.Online: 1, engine.Away: 2, engine.Busy: 3}

var statusOfByte = [...]engine.Status{engine.Offline, engine.Online, engine.Away, engine.Busy}

const userSize = len(engine.ID{}) + 1

// Present implements engine.Peers.
func (c *Cluster) Present(changes []engine.Presence) {
	for _, l := range c.allLinks() {
		l.mu.Lock()
		for _, p := range changes {
			l.out.users[p.User] = p.Status
		}
		l.mu.Unlock()
		// The tick after this one's: changes ride together.
	}
}

// introduce owes a new link all of this node's users. What Present has told
// meanwhile is newer.
func (l *link) introduce(all []engine.Presence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range all {
		if _, ok := l.out.users[p.User]; !ok {
			l.out.users[p.User] = p.Status
		}
	}
	l.out.begin, l.out.usersDue = true, true
}

// usersFrameLocked builds the next presence frame; nil if none is due.
func (l *link) usersFrameLocked() []byte {
	o := &l.out
	if !o.usersDue || (len(o.users) == 0 && !o.begin) {
		return nil
	}
	o.usersDue = false
	n := min(len(o.users), usersFrame)
	f := make([]byte, 0, 2+n*userSize)
	f = append(f, byte(framePresence), 0)
	if o.begin {
		f[1], o.begin = 1, false
	}
	for user, status := range o.users {
		if n == 0 {
			break
		}
		f = append(append(f, user[:]...), statusBytes[status])
		delete(o.users, user)
		n--
	}
	return f
}

// presence takes the peer's word about its users.
func (l *link) presence(body []byte) error {
	if len(body) == 0 || (len(body)-1)%userSize != 0 {
		return fmt.Errorf("%w: presence", errFrame)
	}
	begin := body[0] == 1
	body = body[1:]
	changes := make([]engine.Presence, 0, len(body)/userSize)
	for ; len(body) > 0; body = body[userSize:] {
		s := body[userSize-1]
		if int(s) >= len(statusOfByte) {
			s = statusBytes[engine.Online] // of a later version
		}
		changes = append(changes, engine.Presence{User: engine.ID(body[:userSize-1]), Status: statusOfByte[s]})
	}
	if begin {
		l.cluster.engine.PeerGone(l.peer)
	}
	l.cluster.engine.PeerPresent(l.peer, changes)
	return nil
}

// Relay implements engine.Peers.
func (c *Cluster) Relay(notice any) {
	r, ok := relayOf(notice)
	if !ok {
		return
	}
	frame := encodeFrame(frameRelay, r)
	links := c.allLinks()
	if len(links) == 0 {
		return
	}
	if !c.relays.AllowN(time.Now(), len(frame)) {
		c.dropped.Add(1)
		return
	}
	for _, l := range links {
		if !l.relay(frame) {
			c.dropped.Add(1)
		}
	}
}

func newRelayLimit() *rate.Limiter { return rate.NewLimiter(relayRate, relayBytes) }

func relayOf(notice any) (relay, bool) {
	switch n := notice.(type) {
	case *engine.TypingNotice:
		return relay{Type: n.Type, Room: n.Room, User: n.User}, true
	case *engine.SignalNotice:
		return relay{n.Type, n.Room, n.User, n.Name, n.Data}, true
	}
	return relay{}, false
}

func (l *link) relayed(body []byte) error {
	var r relay
	if err := decodeFrame(body, &r); err != nil {
		return err
	}
	switch r.Type {
	case "typing":
		l.cluster.engine.PeerNotice(&engine.TypingNotice{Type: r.Type, Room: r.Room, User: r.User})
	case "signal":
		l.cluster.engine.PeerNotice(&engine.SignalNotice{Type: r.Type, Room: r.Room, User: r.User, Name: r.Name, Data: r.Data})
	}
	return nil
}

// forgetUnvouched forgets the users of peers that have been without a link for too long.
func (c *Cluster) forgetUnvouched(now time.Time) {
	c.mu.Lock()
	var gone []engine.Origin
	for o, since := range c.vouched {
		if now.Sub(since) >= vouch {
			gone = append(gone, o)
			delete(c.vouched, o)
		}
	}
	c.mu.Unlock()
	for _, o := range gone {
		c.engine.PeerGone(o)
	}
}
