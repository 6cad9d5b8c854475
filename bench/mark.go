package bench

import (
	"bytes"
	"strconv"
)

// mark is what a message's body says of itself: "#sender.number.nanos." and padding.
type mark struct {
	sender int
	number uint32
	nanos  int64 // intended send time, since the fleet's start
}

// minBody is what the longest mark needs.
const minBody = 64

func (m mark) appendBody(p []byte, size int) []byte {
	begin := len(p)
	p = strconv.AppendInt(append(p, '#'), int64(m.sender), 10)
	p = strconv.AppendUint(append(p, '.'), uint64(m.number), 10)
	p = strconv.AppendInt(append(p, '.'), m.nanos, 10)
	p = append(p, '.')
	for len(p)-begin < size {
		p = append(p, padding[:min(len(padding), size-(len(p)-begin))]...)
	}
	return p
}

var padding = bytes.Repeat([]byte("x"), 256)

// readMark reads the mark at the beginning of a body, without garbage: the
// generator must cost less than the server.
func readMark(body []byte) (m mark, ok bool) {
	if len(body) == 0 || body[0] != '#' {
		return m, false
	}
	p := body[1:]
	var f [3]int64
	for i := range f {
		if f[i], p, ok = number(p); !ok {
			return m, false
		}
	}
	return mark{int(f[0]), uint32(f[1]), f[2]}, true
}

// number reads digits and the dot behind them.
func number(p []byte) (n int64, rest []byte, ok bool) {
	for i, d := range p {
		switch {
		case d == '.':
			return n, p[i+1:], i > 0
		case d < '0' || d > '9' || i == 19:
			return 0, nil, false
		}
		n = 10*n + int64(d-'0')
	}
	return 0, nil, false
}
