package cli_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

// protocolAttacks are good WebSocket and bad klatch.
var protocolAttacks = []*attack{
	utterance("say: what is no object", func(p *peer) []byte {
		if p.format == client.CBOR {
			return pick(p.a, []byte{}, []byte{0xff}, []byte{0x1f}, []byte{0x80}, []byte{0xf6}, []byte{0xa1, 0x64, 't', 'y'}, []byte{0xbf},
				[]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte{0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
				[]byte{0x7b, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, []byte{0xc2, 0x41, 1}, []byte{0xa2, 0x61, 'a', 1, 0x61, 'a', 2}, p.a.noise(1000))
		}
		return pick(p.a, []byte("{"), []byte("null"), []byte("[]"), []byte(""), []byte(`{"type":`), []byte("\x00"), []byte(`"x"`),
			[]byte(`{"type":"ping"}{"type":"ping"}`), []byte(`{'type':"ping"}`), bytes.Repeat([]byte(" "), 50000))
	}),
	utterance("say: nested deep", func(p *peer) []byte {
		if p.format == client.CBOR {
			return append(p.cborOf("signal", "data"), bytes.Repeat(pick(p.a, []byte{0x81}, []byte{0xa1, 0x61, 'a'}, []byte{0x9f}, []byte{0xc1}), 30000)...)
		}
		return []byte(`{"type":"signal","room":"garden","name":"x","data":` + pick(p.a,
			strings.Repeat("[", 50000), strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"}", strings.Repeat(`{"a":`, 9000)+"1"+strings.Repeat("}", 9001)))
	}),
	utterance("say: huge numbers", func(p *peer) []byte {
		field := pick(p.a, "ref", "limit", "data")
		if p.format == client.CBOR {
			return append(p.cborOf("signal", field), pick(p.a, []byte{0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte{0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
				[]byte{0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0}, []byte{0xf9, 0x7e, 0}, append([]byte{0xc2, 0x59, 0x40, 0}, p.a.noise(0x4000)...))...)
		}
		return fmt.Appendf(nil, `{"type":"signal","room":"garden","name":"x",%q:%s}`, field,
			pick(p.a, "1e400", "-1e400", "9223372036854775808", "1e18", strings.Repeat("9", 50000), "0."+strings.Repeat("1", 50000), "1e-999999999"))
	}),
	utterance("say: unknown types", func(p *peer) []byte {
		return p.marshal(fields{"type": pick(p.a, "", "x", "ready", "message", "HELLO", "ack", strings.Repeat("t", 10000)), "ref": 1})
	}),
	utterance("say: fields of the wrong type", func(p *peer) []byte {
		field := pick(p.a, "type", "ref", "room", "id", "body", "limit", "remove", "attachments", "status", "cursor")
		return p.marshal(fields{"type": "post", field: pick[any](p.a, -1, 1.5, true, "text", []int{1}, fields{"a": fields{}}, nil)})
	}),
	utterance("say: values out of range", func(p *peer) []byte {
		return p.marshal(pick(p.a,
			fields{"type": "post", "ref": 1, "room": soakArena, "body": strings.Repeat("x", 17<<10)},
			fields{"type": "post", "ref": 1, "room": soakArena, "body": "", "nonce": strings.Repeat("n", 9000)},
			fields{"type": "post", "ref": 1, "room": "nowhere", "body": "x"},
			fields{"type": "post", "ref": 1, "room": soakArena, "body": "x", "reply_to": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
			fields{"type": "edit", "ref": 1, "id": "x", "body": "x"},
			fields{"type": "delete", "ref": 1, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
			fields{"type": "react", "ref": 1, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "emoji": strings.Repeat("e", 999)},
			fields{"type": "join", "ref": 1, "room": strings.Repeat("r", 9000)},
			fields{"type": "history", "ref": 1, "room": soakGarden, "limit": -5},
			fields{"type": "history", "ref": 1, "room": soakGarden, "before": "a", "after": "b"},
			fields{"type": "read", "ref": 1, "room": soakGarden, "id": "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
			fields{"type": "presence", "ref": 1, "status": "dead"},
		))
	}),
	{name: "say: hello twice", codes: "4002", run: func(a *attacker) (string, error) {
		p, err := a.session(false)
		if err != nil {
			return "", err
		}
		p.say(fields{"type": "hello", "token": a.token()})
		return p.answered(), nil
	}},
	first("say: post before hello", "4002", func(p *peer) fields {
		return fields{"type": "post", "ref": 1, "room": soakGarden, "body": "x", "token": p.a.token()}
	}),
	first("say: hello without a token", "4001", func(*peer) fields { return fields{"type": "hello"} }),
	first("say: hello with an expired token", "4001", func(p *peer) fields {
		return fields{"type": "hello", "token": p.a.s.token("attacker-1", time.Now().Add(-time.Minute), soakGarden)}
	}),
	first("say: hello with a forged token", "4001", func(p *peer) fields { return fields{"type": "hello", "token": p.a.forged()} }),
	first("say: hello as nobody can be named", "4001", func(p *peer) fields {
		return fields{"type": "hello", "token": p.a.s.token(pick(p.a, "", "A B", "../x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", strings.Repeat("u", 70)), time.Now().Add(time.Hour),
			pick(p.a, soakGarden, "", "\x00", strings.Repeat("r", 70)))}
	}),
	{name: "say: hello with a garbage cursor", run: func(a *attacker) (string, error) {
		p, err := a.upgraded(false)
		if err != nil {
			return "", err
		}
		cursor := pick(a, "x", strings.Repeat("A", 5000), base64.RawURLEncoding.EncodeToString(a.noise(30)), future(),
			base64.RawURLEncoding.EncodeToString(append([]byte{1}, a.noise(9)...)), "AQ")
		if err := p.hello(a.token(), cursor); err != nil {
			return "", err
		}
		return p.answered(), nil
	}},
	{name: "say: no hello at all", run: func(a *attacker) (string, error) {
		p, err := a.upgraded(false)
		if err != nil {
			return "", err
		}
		return silence(p)
	}},
	{name: "say: no hello, but signs of life", run: func(a *attacker) (string, error) {
		p, err := a.upgraded(true)
		if err != nil {
			return "", err
		}
		for end := time.Now().Add(a.stay()); time.Now().Before(end) && p.write(p.frame(final|opPing, nil)) && p.still(500*time.Millisecond); {
		}
		return p.left(time.Second), nil
	}},
	{name: "say: the token expires while one talks", codes: "4009", run: func(a *attacker) (string, error) {
		p, err := a.upgraded(false)
		if err != nil {
			return "", err
		}
		if err := p.hello(a.s.token(fmt.Sprintf("attacker-%d", a.rng.IntN(soakUsers)), time.Now().Add(2*time.Second), soakGarden), ""); err != nil {
			return "", err
		}
		if a.rng.IntN(2) == 0 {
			return p.must() // a silent one is asked, and ended then
		}
		for p.say(fields{"type": "typing", "room": soakGarden}) && p.still(200*time.Millisecond) {
		}
		return p.must()
	}},
	{name: "flood: posts over the rate", codes: "4029 4008", run: func(a *attacker) (string, error) {
		p, err := a.session(false)
		if err != nil {
			return "", err
		}
		post := p.frame(p.data(), p.marshal(fields{"type": "post", "ref": 1, "room": soakArena, "body": "shout"}))
		p.write(bytes.Repeat(post, 1000))
		return p.must()
	}},
	{name: "flood: large posts, the acks unread", run: func(a *attacker) (string, error) {
		p, err := a.session(true)
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		p.write(bytes.Repeat(p.frame(p.data(), p.marshal(fields{"type": "post", "ref": 1, "room": soakArena, "body": strings.Repeat("x", 8000)})), 20))
		a.pause(a.upTo(500 * time.Millisecond))
		return p.reset()
	}},
	{name: "flood: typing, presence and signals", codes: "4029 4008", run: func(a *attacker) (string, error) {
		p, err := a.session(false)
		if err != nil {
			return "", err
		}
		one := pick(a, fields{"type": "typing", "room": soakArena}, fields{"type": "presence", "status": pick(a, "online", "away", "busy")},
			fields{"type": "signal", "room": soakArena, "name": "x", "data": strings.Repeat("s", 500)})
		p.write(bytes.Repeat(p.frame(p.data(), p.marshal(one)), 1000))
		return p.must()
	}},
	{name: "flood: join and leave", run: func(a *attacker) (string, error) {
		p, err := a.session(false)
		if err != nil {
			return "", err
		}
		pair := append(p.frame(p.data(), p.marshal(fields{"type": "leave", "room": soakArena})), p.frame(p.data(), p.marshal(fields{"type": "join", "room": soakArena}))...)
		p.write(bytes.Repeat(pair, 20))
		return p.answered(), nil
	}},
	{name: "crowd: connections of one user", codes: "4029", run: func(a *attacker) (string, error) {
		a.s.crowds.Lock()
		defer a.s.crowds.Unlock()
		token := a.s.token("crowd", time.Now().Add(time.Hour), soakGarden)
		for range soakUserPlaces {
			p, err := a.upgraded(false)
			if err != nil {
				return "", err
			}
			if err := p.hello(token, ""); err != nil {
				return "", err
			}
		}
		p, err := a.upgraded(false)
		if err != nil {
			return "", err
		}
		p.say(fields{"type": "hello", "token": token})
		ending, err := p.must()
		a.leave()
		a.pause(50 * time.Millisecond) // for the places to be free again
		return ending, err
	}},
	{name: "crowd: all places of the node", run: func(a *attacker) (string, error) {
		a.s.crowds.Lock()
		defer a.s.crowds.Unlock()
		defer a.leave()
		for i := 0; ; i++ {
			if _, err := a.upgraded(false); err != nil && i > soakPlaces/2 {
				return "refused with " + strings.TrimPrefix(err.Error(), "handshake: "), nil
			} else if err != nil {
				return "", err
			} else if i >= soakPlaces {
				return stillOpen, nil
			}
		}
	}},
}

// utterance is one frame of a session that must be refused, or answered, or end it.
func utterance(name string, payload func(p *peer) []byte) *attack {
	return &attack{name: name, codes: "1009 4002", run: func(a *attacker) (string, error) {
		p, err := a.session(false)
		if err != nil {
			return "", err
		}
		p.write(p.frame(p.data(), payload(p)))
		return p.answered(), nil
	}}
}

// first is a first frame that ends the connection.
func first(name, codes string, f func(p *peer) fields) *attack {
	return &attack{name: name, codes: codes, run: func(a *attacker) (string, error) {
		p, err := a.upgraded(false)
		if err != nil {
			return "", err
		}
		p.say(f(p))
		return p.must()
	}}
}

// cborOf is a map of two pairs, up to the value of the second.
func (p *peer) cborOf(kind, field string) []byte {
	text := func(s string) []byte { return append([]byte{0x60 | byte(len(s))}, s...) }
	b := append([]byte{0xa2}, text("type")...)
	return append(append(b, text(kind)...), text(field)...)
}

// forged is a token that proves nothing.
func (a *attacker) forged() string {
	good := a.token()
	head, rest, _ := strings.Cut(good, ".")
	claims, sig, _ := strings.Cut(rest, ".")
	enc := base64.RawURLEncoding
	return pick(a, "x", "..", good[:len(good)-5], head+"."+claims+".", head+"."+claims+"."+enc.EncodeToString(a.noise(32)),
		enc.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))+"."+claims+".", enc.EncodeToString([]byte(`{"alg":"RS256"}`))+"."+claims+"."+sig,
		"v4.public."+enc.EncodeToString(a.noise(100))+"."+enc.EncodeToString(a.noise(8)), "v4.local.x", strings.Repeat("v4.public.", 500), strings.Repeat("a.", 3000))
}
