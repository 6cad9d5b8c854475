package cli

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// request takes the next request from what has been read, or nothing, and
// returns nil, if it is not for the lane.
func (c *laneConn) request() *http.Request {
	n := headerEnd(c.unread)
	if n == 0 || !bytes.HasPrefix(c.unread, []byte("GET /")) && !bytes.HasPrefix(c.unread, []byte("HEAD /")) {
		return nil
	}
	r := parse(c.unread[:n])
	if r == nil || !plain(r) {
		return nil
	}
	c.unread = c.unread[n:]
	return r
}

// headerEnd returns the length of the header that b begins with, up to and with
// the empty line, by the reading that ends it soonest; 0 if it does not end.
func headerEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		switch rest := b[at:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return at + 1
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return at + 2
		}
	}
}

// parser reads one header at a time.
type parser struct {
	from bytes.Reader
	in   *bufio.Reader
}

var parsers = sync.Pool{New: func() any { return &parser{in: bufio.NewReader(nil)} }}

// parse has net/http read a header. It returns nil for what that refuses or reads
// other than to the last byte.
func parse(header []byte) *http.Request {
	p := parsers.Get().(*parser)
	defer parsers.Put(p)
	p.from.Reset(header)
	p.in.Reset(&p.from)
	r, err := http.ReadRequest(p.in)
	if err != nil || p.in.Buffered()+p.from.Len() > 0 {
		return nil
	}
	return r
}

// longPolls is where answers may take until something happens: http.Server
// notices meanwhile that a client has gone.
const longPolls = "/socket.io/"

// plain tells requests that http.Server would give to the handler just as they
// are. It is strict: what it does not know is http.Server's.
func plain(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ProtoMajor == 1 && r.ProtoMinor == 1 &&
		!strings.HasPrefix(r.URL.Path, longPolls) && r.URL.Host == "" && r.Host != "" && httpguts.ValidHostHeader(r.Host) &&
		r.Body == http.NoBody && r.ContentLength == 0 && r.TransferEncoding == nil && !r.Close &&
		plainConnection(r.Header["Connection"]) && plainFields(r.Header)
}

func plainConnection(lines []string) bool {
	if len(lines) == 0 {
		return true
	}
	switch strings.ToLower(lines[0]) {
	case "keep-alive", "upgrade", "keep-alive, upgrade":
		return len(lines) == 1
	}
	return false
}

// plainFields also makes http.Server's own checks, which the parser leaves to it.
func plainFields(h http.Header) bool {
	for name, lines := range h {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Trailer", "Expect":
			return false
		}
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, line := range lines {
			if !httpguts.ValidHeaderFieldValue(line) {
				return false
			}
		}
	}
	return true
}
