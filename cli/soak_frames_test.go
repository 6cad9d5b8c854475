package cli_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

// frameAttacks break WebSocket (RFC 6455), or stretch it.
var frameAttacks = []*attack{
	violation("frame: unmasked", "1002", func(p *peer) []byte {
		payload := p.marshal(fields{"type": "ping"})
		return append(header(p.data(), 0, uint64(len(payload))), payload...)
	}),
	violation("frame: reserved bits", "1002", func(p *peer) []byte {
		return p.frame(p.data()|pick(p.a, byte(0x40), 0x20, 0x10, 0x70), p.marshal(fields{"type": "ping"}))
	}),
	violation("frame: reserved opcode", "1002", func(p *peer) []byte {
		return p.frame(final|pick(p.a, byte(3), 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf), p.a.noise(p.a.rng.IntN(200)))
	}),
	violation("frame: ping of more than 125 bytes", "1002", func(p *peer) []byte {
		return p.frame(final|opPing, p.a.noise(126+p.a.rng.IntN(500)))
	}),
	violation("frame: fragmented ping", "1002", func(p *peer) []byte {
		return append(p.frame(opPing, []byte("half")), p.frame(final|opContinue, []byte("whole"))...)
	}),
	violation("frame: continuation without a start", "1002", func(p *peer) []byte {
		return p.frame(opContinue|pick(p.a, byte(0), final), p.a.noise(p.a.rng.IntN(50)))
	}),
	violation("frame: new message inside a fragmented one", "1002", func(p *peer) []byte {
		return append(p.frame(p.data()&^final, []byte(`{"type":`)), p.frame(p.data(), p.marshal(fields{"type": "ping"}))...)
	}),
	violation("frame: 64-bit length with its highest bit set", "1002", func(p *peer) []byte {
		return binary.BigEndian.AppendUint64([]byte{p.data(), maskedLength | 127}, 1<<63|p.a.rng.Uint64())
	}),
	violation("frame: 16 MiB announced", "1002 1009", func(p *peer) []byte {
		return append(header(p.data(), maskedLength, 16<<20), p.a.noise(4+p.a.rng.IntN(2000))...)
	}),
	violation("frame: 16 MiB", "1002 1009", func(p *peer) []byte {
		return p.frame(p.data(), bytes.Repeat([]byte{'x'}, 16<<20))
	}),
	violation("frame: endless fragments", "1002 1009", func(p *peer) []byte {
		b := p.frame(p.data()&^final, []byte(" "))
		one := p.frame(opContinue, bytes.Repeat([]byte{' '}, 10+p.a.rng.IntN(1000)))
		return append(b, bytes.Repeat(one, 512<<10/len(one)+1)...)
	}),
	violation("frame: noise", "1002", func(p *peer) []byte {
		// The first byte is none of a frame's, so that the noise is never heard as half of one.
		return append([]byte{0xf3, 0x80 | byte(p.a.rng.IntN(100))}, p.a.noise(4096)...)
	}),
	{name: "frame: invalid UTF-8", codes: "1007", run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		bad := pick(a, "\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf")
		if p.format == client.CBOR { // the text of a text message is looked at first
			bad = "{" + bad
		}
		p.write(p.frame(final|opText, []byte(bad)))
		return p.must()
	}},
	violation("frame: text for binary and the reverse", "4002 1007", func(p *peer) []byte {
		return p.frame(p.data()^(opText|opBinary), p.marshal(fields{"type": "hello"}))
	}),
	violation("close: payload of one byte", "1002", func(p *peer) []byte { return p.frame(final|opClose, []byte{3}) }),
	violation("close: invalid code", "1002", func(p *peer) []byte {
		return p.frame(final|opClose, binary.BigEndian.AppendUint16(nil, pick(p.a, uint16(0), 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)))
	}),
	violation("close: reason of invalid UTF-8", "1007 1002", func(p *peer) []byte {
		return p.frame(final|opClose, append([]byte{3, 0xe8}, 0xff, 0xfe))
	}),
	violation("close: more data after it", "1000 3999 4000 1005", func(p *peer) []byte {
		b := p.frame(final|opClose, binary.BigEndian.AppendUint16(nil, pick(p.a, uint16(1000), 3999, 4000)))
		return append(b, bytes.Repeat(p.frame(p.data(), p.marshal(fields{"type": "ping", "ref": 1})), 1+p.a.rng.IntN(2000))...)
	}),
	{name: "close: and never read", run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		p.write(p.frame(final|opClose, []byte{3, 0xe8}))
		a.pause(a.stay())
		p.listen()
		return p.left(time.Second), nil
	}},

	allowed("frame: not the shortest length", func(p *peer) []byte {
		payload := p.marshal(fields{"type": "ping", "ref": 1})
		whole := p.frame(p.data(), payload)
		long := binary.BigEndian.AppendUint64([]byte{p.data(), maskedLength | 127}, uint64(len(payload)))
		if p.a.rng.IntN(2) == 0 {
			long = binary.BigEndian.AppendUint16([]byte{p.data(), maskedLength | 126}, uint16(len(payload)))
		}
		return append(long, whole[2:]...)
	}),
	allowed("frame: fragments of a byte", func(p *peer) []byte {
		return p.fragments(p.marshal(fields{"type": "ping", "ref": 1}), 1, false)
	}),
	allowed("frame: fragments of a byte and of none, pings between", func(p *peer) []byte {
		return p.fragments(p.marshal(fields{"type": "typing", "ref": 1, "room": soakGarden}), p.a.rng.IntN(2), true)
	}),
	allowed("frame: a thousand empty fragments", func(p *peer) []byte {
		b := p.frame(p.data()&^final, nil)
		b = append(b, bytes.Repeat(p.frame(opContinue, nil), 1000)...)
		return append(b, p.frame(final|opContinue, p.marshal(fields{"type": "ping", "ref": 1}))...)
	}),
	allowed("frame: unasked pongs", func(p *peer) []byte {
		return bytes.Repeat(p.frame(final|opPong, p.a.noise(125)), 5000)
	}),

	{name: "flood: pings, the pongs unread", run: func(a *attacker) (string, error) {
		p, err := a.session(true)
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		pings := bytes.Repeat(p.frame(final|opPing, a.noise(125)), 200)
		for end := time.Now().Add(a.stay()); time.Now().Before(end) && p.write(pings) && a.pause(time.Millisecond); {
		}
		p.listen()
		return p.left(3 * time.Second), nil
	}},
	{name: "flood: pings, the pongs read", run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		pings := bytes.Repeat(p.frame(final|opPing, a.noise(125)), 200)
		for end := time.Now().Add(a.upTo(time.Second)); time.Now().Before(end) && p.write(pings); {
		}
		return p.left(time.Second), nil
	}},
	{name: "flood: empty fragments without end", run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		p.write(p.frame(p.data()&^final, nil))
		b := bytes.Repeat(p.frame(opContinue, nil), 500)
		for end := time.Now().Add(min(a.stay(), 10*time.Second)); time.Now().Before(end) && p.write(b) && a.pause(time.Millisecond); {
		}
		return p.left(time.Second), nil
	}},

	half("half a header, then silence", 1, silence),
	half("half a header, then a reset", 1, (*peer).reset),
	half("half a header, then FIN", 1, fin),
	half("half a payload, then silence", 60, silence),
	half("half a payload, then a reset", 60, (*peer).reset),
	half("half a payload, then FIN", 60, fin),
	{name: "drip: a frame's header", run: func(a *attacker) (string, error) { return a.dripFrame(header(final|opText, maskedLength, 60000), 300) }},
	{name: "drip: a frame's payload", run: func(a *attacker) (string, error) {
		return a.dripFrame(append(header(final|opText, maskedLength, 200), a.noise(204)...), 300)
	}},
	{name: "drip: whole frames", run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		p.mute.Store(true)
		return p.drip(bytes.Repeat(p.frame(final|opPing, []byte("!")), 100), 20*time.Millisecond, a.stay()), nil
	}},
}

// either is a connection with or without a session.
func (a *attacker) either() (*peer, error) {
	if a.rng.IntN(2) == 0 {
		return a.session(false)
	}
	return a.upgraded(false)
}

// violation sends bytes after which the server must close.
func violation(name, codes string, bad func(p *peer) []byte) *attack {
	return &attack{name: name, codes: codes, run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		p.write(bad(p))
		return p.must()
	}}
}

// allowed sends bytes that the server must bear.
func allowed(name string, odd func(p *peer) []byte) *attack {
	return &attack{name: name, codes: "4029", run: func(a *attacker) (string, error) {
		p, err := a.session(false)
		if err != nil {
			return "", err
		}
		p.write(odd(p))
		return p.answered(), nil
	}}
}

// fragments cuts a message into pieces of so many bytes; of none means a byte and none in turns.
func (p *peer) fragments(payload []byte, size int, pings bool) (b []byte) {
	op := p.data() &^ final
	for piece := range slices.Chunk(payload, max(1, size)) {
		b = append(b, p.frame(op, piece)...)
		op = opContinue
		if size == 0 {
			b = append(b, p.frame(op, nil)...)
		}
		if pings {
			b = append(b, p.frame(final|pick(p.a, byte(opPing), opPong), nil)...)
		}
	}
	return append(b, p.frame(final|opContinue, nil)...)
}

// half sends the beginning of a frame of 120 bytes and then does something else.
func half(name string, sent int, then func(*peer) (string, error)) *attack {
	return &attack{name: "frame: " + name, run: func(a *attacker) (string, error) {
		p, err := a.either()
		if err != nil {
			return "", err
		}
		p.mute.Store(true)
		frame := p.frame(p.data(), bytes.Repeat([]byte{' '}, 120))
		p.write(frame[:sent])
		a.pause(a.upTo(100 * time.Millisecond))
		return then(p)
	}}
}

func silence(p *peer) (string, error) { return p.left(p.a.stay()), nil }

func fin(p *peer) (string, error) {
	_ = p.conn.CloseWrite()
	return p.must()
}

// dripFrame drips what is less than a frame, and is cut off for want of a sign of life.
func (a *attacker) dripFrame(b []byte, milliseconds int) (string, error) {
	p, err := a.either()
	if err != nil {
		return "", err
	}
	p.mute.Store(true)
	limit := a.stay()
	if ending := p.drip(b, time.Duration(milliseconds)*time.Millisecond, limit); ending != "left" {
		return ending, nil
	}
	return p.left(limit / 2), nil
}
