package cli_test

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"strings"
	"sync"
)

// deflated is the bit of a frame's first byte that says so (RFC 7692, section 6).
const deflated = 0x40

// deflateAttacks abuse permessage-deflate.
var deflateAttacks = []*attack{
	compressed("deflate: a bomb", "1009", func(p *peer) []byte {
		return p.frame(p.data()|deflated, bomb())
	}),
	compressed("deflate: a bomb in fragments", "1009", func(p *peer) (b []byte) {
		op := p.data()&^final | deflated
		for piece := range slices.Chunk(bomb(), 1+p.a.rng.IntN(2000)) {
			b = append(b, p.frame(op, piece)...)
			op = opContinue
		}
		return append(b, p.frame(final|opContinue, nil)...)
	}),
	compressed("deflate: noise", "1007 1009", func(p *peer) []byte {
		return p.frame(p.data()|deflated, append([]byte{7}, p.a.noise(p.a.rng.IntN(5000))...)) // a block of no known type
	}),
	compressed("deflate: a ping", "1002", func(p *peer) []byte { return p.frame(final|opPing|deflated, deflate("x")) }),
	compressed("deflate: a continuation", "1002", func(p *peer) []byte {
		return append(p.frame(p.data()&^final, []byte(" ")), p.frame(final|opContinue|deflated, deflate("x"))...)
	}),
	{name: "deflate: half a stream", codes: "1002 1007", run: func(a *attacker) (string, error) {
		p, err := a.deflating("permessage-deflate")
		if err != nil {
			return "", err
		}
		if err := p.hello(a.token(), ""); err != nil {
			return "", err
		}
		whole := deflate(string(p.marshal(fields{"type": "ping", "ref": 1, "name": strings.Repeat("half ", 200)})))
		p.write(p.frame(p.data()|deflated, whole[:a.rng.IntN(len(whole))]))
		return p.answered(), nil
	}},
	{name: "deflate: odd offers", run: func(a *attacker) (string, error) {
		p, err := a.deflating(pick(a, "permessage-deflate; server_max_window_bits=0", "permessage-deflate; client_max_window_bits=99999999999999999999",
			strings.Repeat("permessage-deflate; server_max_window_bits=9, ", 500)+"x", "permessage-deflate; server_no_context_takeover=1; server_no_context_takeover",
			"x-webkit-deflate-frame", ";;;=,,,"))
		if err != nil {
			return "", err
		}
		if err := p.hello(a.token(), ""); err != nil {
			return "", err
		}
		return p.answered(), nil
	}},
}

// bomb inflates to 64 MiB and fits into a frame that the server takes.
var bomb = sync.OnceValue(func() []byte { return deflate(strings.Repeat(" ", 64<<20)) })

// deflate compresses a message, without the tail that stays away.
func deflate(s string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err) // of a constant level
	}
	_, _ = io.WriteString(w, s)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// inflate reads what the server compressed.
func inflate(b []byte) ([]byte, error) {
	tail := []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff} // and a last block, for the end
	return io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(b), bytes.NewReader(tail))))
}

// deflating is a connection that offered an extension.
func (a *attacker) deflating(offer string) (*peer, error) {
	p, err := a.dial(false)
	if err != nil {
		return nil, err
	}
	p.offer = offer
	return p, p.upgrade()
}

// compressed is a violation on a connection with permessage-deflate.
func compressed(name, codes string, bad func(p *peer) []byte) *attack {
	return &attack{name: name, codes: codes, run: func(a *attacker) (string, error) {
		p, err := a.deflating("permessage-deflate; client_max_window_bits")
		if err != nil {
			return "", err
		}
		if !p.deflates {
			return "", missed("permessage-deflate was not accepted")
		}
		p.write(bad(p))
		return p.must()
	}}
}
