package bench

import (
	"bytes"
	"strconv"
	"strings"
)

// mark is what a message's body says of itself: "#sender.number.nanos." and padding.
type mark struct {
	sender int
	number uint64
	nanos  int64 // intended send time, since the run's start
}

const minBody = 64

var (
	bodyField = []byte(`"body":"#`)
	idField   = []byte(`"id":"`)
)

func (m mark) body(size int) string {
	s := "#" + strconv.Itoa(m.sender) + "." + strconv.FormatUint(m.number, 10) + "." + strconv.FormatInt(m.nanos, 10) + "."
	return s + strings.Repeat("x", max(0, size-len(s)))
}

// readMark finds the mark and the message's id in a JSON frame without decoding
// it: the generator must cost less than the server.
func readMark(frame []byte) (m mark, id []byte, ok bool) {
	_, rest, ok := bytes.Cut(frame, bodyField)
	if !ok {
		return m, nil, false
	}
	var f [3]int64
	for i := range f {
		n := bytes.IndexByte(rest, '.')
		if n < 0 {
			return m, nil, false
		}
		v, err := strconv.ParseInt(string(rest[:n]), 10, 64)
		if err != nil {
			return m, nil, false
		}
		f[i], rest = v, rest[n+1:]
	}
	_, id, ok = bytes.Cut(frame, idField)
	if !ok || len(id) < 26 {
		return m, nil, false
	}
	return mark{int(f[0]), uint64(f[1]), f[2]}, id[:26], true
}
