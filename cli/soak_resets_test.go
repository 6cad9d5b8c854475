package cli_test

import (
	"bytes"
	"time"
)

// resetAttacks end connections without a word, in every state.
var resetAttacks = []*attack{
	gone("after connect", func(a *attacker) (*peer, error) { return a.connect() }),
	gone("in the handshake", func(a *attacker) (*peer, error) {
		p, err := a.connect()
		if err == nil {
			b := p.handshake()
			p.write(b[:a.rng.IntN(len(b))])
		}
		return p, err
	}),
	gone("before the handshake's answer", func(a *attacker) (*peer, error) {
		p, err := a.connect()
		if err == nil {
			p.write(p.handshake())
		}
		return p, err
	}),
	gone("after the handshake", func(a *attacker) (*peer, error) { return a.upgraded(false) }),
	gone("with hello in the handshake's packet", func(a *attacker) (*peer, error) {
		p, err := a.connect()
		if err == nil {
			p.write(append(p.handshake(), p.frame(p.data(), p.marshal(fields{"type": "hello", "token": a.token()}))...))
			a.pause(a.upTo(5 * time.Millisecond))
		}
		return p, err
	}),
	gone("while ready is on its way", func(a *attacker) (*peer, error) {
		p, err := a.upgraded(false)
		if err == nil {
			p.say(fields{"type": "hello", "token": a.token()})
			a.pause(a.upTo(2 * time.Millisecond))
		}
		return p, err
	}),
	gone("after ready", func(a *attacker) (*peer, error) { return a.session(false) }),
	gone("while posting", func(a *attacker) (*peer, error) {
		p, err := a.session(false)
		if err == nil {
			p.write(bytes.Repeat(p.frame(p.data(), p.marshal(fields{"type": "post", "ref": 1, "room": soakArena, "body": "going"})), 1+a.rng.IntN(30)))
			a.pause(a.upTo(5 * time.Millisecond))
		}
		return p, err
	}),
	gone("while being caught up", func(a *attacker) (*peer, error) {
		p, err := a.upgraded(true)
		if err != nil {
			return nil, err
		}
		if err := p.hello(a.token(), a.s.cursor); err != nil {
			return nil, err
		}
		p.deaf.Store(a.rng.IntN(2) == 0)
		a.pause(a.upTo(300 * time.Millisecond))
		return p, nil
	}),
	gone("in a history's answer", func(a *attacker) (*peer, error) {
		p, err := a.session(true)
		if err == nil {
			p.say(fields{"type": "history", "room": soakGarden, "limit": 200})
			a.pause(a.upTo(5 * time.Millisecond))
		}
		return p, err
	}),
	gone("in our close", func(a *attacker) (*peer, error) {
		p, err := a.session(false)
		if err == nil {
			p.write(p.frame(final|opClose, []byte{3, 0xe8}))
			a.pause(a.upTo(2 * time.Millisecond))
		}
		return p, err
	}),
	gone("in the server's close", func(a *attacker) (*peer, error) {
		p, err := a.session(false)
		if err == nil {
			p.write(header(final|opText, 0, 0)) // not masked
			a.pause(a.upTo(2 * time.Millisecond))
		}
		return p, err
	}),
	{name: "catch up: read nothing", codes: "4008", run: func(a *attacker) (string, error) {
		p, err := a.upgraded(true)
		if err != nil {
			return "", err
		}
		if err := p.hello(a.token(), a.s.cursor); err != nil {
			return "", err
		}
		p.deaf.Store(true)
		if p.live(60 * time.Second) {
			return stillOpen, nil
		}
		p.listen()
		return p.must()
	}},
	{name: "catch up: read it all", codes: "4008", run: func(a *attacker) (string, error) {
		p, err := a.upgraded(false)
		if err != nil {
			return "", err
		}
		if err := p.hello(a.token(), a.s.cursor); err != nil {
			return "", err
		}
		return p.left(a.upTo(5 * time.Second)), nil
	}},
}

func gone(when string, reach func(a *attacker) (*peer, error)) *attack {
	return &attack{name: "reset: " + when, run: func(a *attacker) (string, error) {
		p, err := reach(a)
		if err != nil {
			return "", err
		}
		return p.reset()
	}}
}
