package cli_test

import (
	"time"
)

// readerAttacks are those that take what they are sent slowly, or not at all.
var readerAttacks = []*attack{
	{name: "read: never, in a busy room", codes: "4008", run: func(a *attacker) (string, error) {
		p, err := a.session(true)
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		if !p.live(90 * time.Second) {
			p.listen()
			return p.must()
		}
		return stillOpen, nil
	}},
	{name: "read: never, not a sign of life", codes: "4008", run: func(a *attacker) (string, error) {
		p, err := a.session(true)
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		if !a.pause(a.s.silence()) {
			return cutShort, nil
		}
		p.listen()
		return p.must()
	}},
	{name: "read: all, and answer no ping", codes: "none", run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		p.mute.Store(true)
		return p.ending(a.s.silence()), nil
	}},
	{name: "read: never, and ask for history", codes: "4008 4029", run: func(a *attacker) (string, error) {
		p, err := a.session(true)
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		for i := range 40 {
			if !p.say(fields{"type": "history", "ref": i, "room": soakGarden, "limit": 200}) {
				break
			}
		}
		if p.live(30 * time.Second) {
			return stillOpen, nil
		}
		p.listen()
		return p.must()
	}},
	{name: "read: a byte now and then", run: func(a *attacker) (string, error) {
		p, err := a.session(true)
		if err != nil {
			return "", err
		}
		p.slow.Store(true)
		if p.live(a.stay()) {
			return "left", nil
		}
		p.slow.Store(false)
		return p.must()
	}},
}

// live gives signs of life for so long; it is false where the server has had enough.
func (p *peer) live(limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if !p.write(p.frame(final|opPong, nil)) || !p.still(250*time.Millisecond) {
			return false
		}
	}
	return true
}
