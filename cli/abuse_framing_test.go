package cli

import (
	"fmt"
	"strings"
	"testing"
)

// TestAbusedFraming: where a body ends must not be a matter of opinion (RFC
// 9112, 6.3 and 11.2). What two servers could read in two ways is refused or,
// for a transfer coding with a length, read by the coding; and in each such case
// the connection ends with the answer, so that nothing smuggled behind it is heard.
func TestAbusedFraming(t *testing.T) {
	t.Parallel()
	underAttack(t, func(a *abused) {
		a.endure(ambiguousLengths(a))
		a.endure(ambiguousCodings(a))
		a.endure(brokenChunks(a))
	})
}

// framed is a request to post, with the framing of one's choice.
func (a *abused) framed(body string, lines ...string) string {
	return a.head("POST /api/v1/rooms/tea/messages", append(lines, "Content-Type: application/json")...) + body
}

func ambiguousLengths(a *abused) (all []abuse) {
	for _, lengths := range []string{"-1", "-0", "+2", "0x2", "2 2", "2;", "2,3", "2, 2", "", "２", "1e1", "2.0", "99999999999999999999", "9223372036854775808", "\"2\"", "2\x0b"} {
		all = append(all, abuse{"length " + brief(lengths), a.framed("{}", "Content-Length: "+lengths), []int{400}, ends})
	}
	all = append(all,
		abuse{"two lengths", a.framed("{}", "Content-Length: 2", "Content-Length: 0"), []int{400}, ends},
		abuse{"two lengths in two cases", a.framed("{}", "Content-Length: 0", "content-length: 2"), []int{400}, ends},
		abuse{"two lengths, one signed", a.framed("{}", "Content-Length: 2", "Content-Length: +2"), []int{400}, ends},
		abuse{"a length twice", a.framed("{}", "Content-Length: 2", "Content-Length: 2"), []int{400, 422}, either},
		abuse{"a length before the colon's space", a.framed("{}", "Content-Length : 2"), []int{400}, ends},
		abuse{"a folded length", a.framed("{}", "Content-Length:\r\n 2"), []int{400, 422}, either},
		abuse{"the most a length can be", a.framed("{}", "Content-Length: 9223372036854775807"), []int{400, 413}, ends},
	)
	smuggled := a.post("smuggled")
	length := fmt.Sprintf("Content-Length: %d", len(smuggled))
	return append(all,
		abuse{"GET with a body", a.get("/healthz", length) + smuggled, []int{200, 400}, either},
		abuse{"GET of a file with a body", a.get("/", length) + smuggled, []int{200, 400}, either},
		abuse{"GET with a body of chunks", a.get("/healthz", "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled), []int{200, 400}, either},
		abuse{"a refused method with a body", a.head("DELETE /healthz", length) + smuggled, []int{405}, either},
		abuse{"nothing there, with a body", a.head("POST /nothing", length) + smuggled, []int{404}, either},
		abuse{"OPTIONS of the server with a body", a.head("OPTIONS *", length) + smuggled, []int{200, 204, 400, 404}, either},
		abuse{"a handshake that fails, with a body", a.get("/api/v1/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 7", length) + smuggled, []int{400, 426}, either},
	)
}

func ambiguousCodings(a *abused) (all []abuse) {
	for _, coding := range []string{
		"xchunked", "chunked, chunked", "gzip, chunked", "chunked, identity", "identity", "gzip", "chunked;q=1", "\"chunked\"", "", ", chunked",
		"chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: identity", "identity\r\nTransfer-Encoding: chunked", "\x0bchunked", "chunked\x0b", "chunKed\u0000",
	} {
		all = append(all, abuse{"coding " + brief(coding), a.framed("2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: "+coding), []int{400, 501}, ends})
	}
	const chunks = "2\r\n{}\r\n0\r\n\r\n"
	old := func(s string) string { return strings.Replace(s, "HTTP/1.1", "HTTP/1.0", 1) }
	return append(all,
		abuse{"a coding and a length", a.framed(chunks, "Transfer-Encoding: chunked", "Content-Length: 12"), []int{400, 422}, ends},
		abuse{"a length and a coding", a.framed(chunks, "Content-Length: 2", "Transfer-Encoding: chunked"), []int{400, 422}, ends},
		abuse{"a coding and a length, to what needs no body", a.get("/healthz", "Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n", []int{200, 400}, ends},
		abuse{"a coding and a length that is none", a.framed(chunks, "Transfer-Encoding: chunked", "Content-Length: x"), []int{400}, ends},
		abuse{"an unknown coding and a length", a.framed("{}", "Transfer-Encoding: x", "Content-Length: 2"), []int{400, 501}, ends},
		abuse{"a coding before the colon's space", a.framed(chunks, "Transfer-Encoding : chunked", "Content-Length: 2"), []int{400}, ends},
		abuse{"a folded coding", a.framed(chunks, "Transfer-Encoding:\r\n chunked"), []int{400, 422, 501}, either},
		abuse{"a coding with blanks", a.framed(chunks, "Transfer-Encoding: \t chunked \t"), []int{400, 422, 501}, either},
		abuse{"a coding in HTTP/1.0", old(a.framed(chunks, "Connection: keep-alive", "Transfer-Encoding: chunked", "Content-Length: 2")), []int{400, 422}, ends},
		abuse{"a coding in HTTP/1.0, to what needs no body", old(a.get("/healthz", "Connection: keep-alive", "Transfer-Encoding: chunked")), []int{200, 400}, ends},
	)
}

func brokenChunks(a *abused) (all []abuse) {
	for name, chunks := range map[string]string{
		"a size below zero":        "-2\r\n{}\r\n0\r\n\r\n",
		"a size with a sign":       "+2\r\n{}\r\n0\r\n\r\n",
		"a size with a prefix":     "0x2\r\n{}\r\n0\r\n\r\n",
		"a size of letters":        "zz\r\n{}\r\n0\r\n\r\n",
		"a size past 64 bits":      "10000000000000002\r\n{}\r\n0\r\n\r\n",
		"no size":                  "\r\n{}\r\n0\r\n\r\n",
		"a size too small":         "1\r\n{}\r\n0\r\n\r\n",
		"no line end after data":   "2\r\n{}0\r\n\r\n",
		"bare LFs":                 "2\n{}\n0\n\n",
		"a bare LF in a size line": "2;\nx\r\n{}\r\n0\r\n\r\n",
		"a bare CR in a size line": "2\rx\r\n{}\r\n0\r\n\r\n",
		"an extension without end": "2;" + strings.Repeat("x", 1<<20),
		"extensions that outgrow":  strings.Repeat("1;"+strings.Repeat("x", 500)+"\r\n \r\n", 2000),
		"a size line of zeros":     strings.Repeat("0", 1<<20),
		"trailers without end":     "2\r\n{}\r\n0\r\n" + strings.Repeat("X-Smuggled: "+strings.Repeat("x", 100)+"\r\n", 10_000),
		"a trailer that is none":   "2\r\n{}\r\n0\r\nsmuggled\r\n\r\n",
	} {
		all = append(all, abuse{name, a.framed(chunks, "Transfer-Encoding: chunked"), []int{cut, 400, 413, 422}, ends})
	}
	return append(all,
		abuse{"an extension", a.framed("2;smuggled=\"1\"\r\n{}\r\n0;x\r\n\r\n", "Transfer-Encoding: chunked"), []int{400, 422}, either},
		abuse{"a trailer", a.framed("2\r\n{}\r\n0\r\nX-Smuggled: 1\r\nContent-Length: 100\r\nAuthorization: Bearer evil\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Smuggled"), []int{400, 422}, either},
		abuse{"a size with zeros before", a.framed("0000000002\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), []int{400, 422}, either},
	)
}
