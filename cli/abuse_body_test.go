package cli

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// pastMaxBody is more than the API reads of any body.
const pastMaxBody = 4<<10 + 6*16<<10 + 1

// TestAbusedBodies: bodies longer than allowed are refused at the bound (413),
// those that are not what they say are refused (400, 415, 422), and 100 is sent
// only where the body is read (RFC 9110, 10.1.1).
func TestAbusedBodies(t *testing.T) {
	t.Parallel()
	underAttack(t, func(a *abused) {
		a.endure(largeBodies(a))
		a.endure(codedBodies(a))
		a.Run("100-continue", func(t *testing.T) { continues(a.in(t)) })
		a.Run("ended early", func(t *testing.T) { endedEarly(a.in(t)) })
		a.nothingSmuggled()
	})
}

func largeBodies(a *abused) []abuse {
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 8<<10, strings.Repeat(" ", 8<<10))
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
	return []abuse{
		{"past the bound", a.framed(strings.Repeat(" ", pastMaxBody), length(pastMaxBody)), []int{413}, either},
		{"past the bound in chunks", a.framed(strings.Repeat(chunk, 20)+"0\r\n\r\n", "Transfer-Encoding: chunked"), []int{413}, either},
		{"far past the bound", a.framed(strings.Repeat(" ", 4<<20), length(4<<20)), []int{413}, ends},
		{"chunks without end", a.framed(strings.Repeat(chunk, 500), "Transfer-Encoding: chunked"), []int{413}, ends},
		{"chunks of one byte", a.framed(strings.Repeat("1\r\n \r\n", 110_000), "Transfer-Encoding: chunked"), []int{cut, 400, 413}, ends},
		{"a terabyte promised", a.framed("", length(1<<40)), []int{413}, ends},
		{"past the bound, to what needs none", a.get("/healthz", length(1<<20)) + strings.Repeat(" ", 1<<20), []int{200, 413}, ends},
		{"past the bound, to nothing", a.head("POST /nothing", length(1<<20)) + strings.Repeat(" ", 1<<20), []int{404, 413}, ends},
		{"past the bound, to a file", a.head("POST /", length(1<<20)) + strings.Repeat(" ", 1<<20), []int{405, 413}, ends},
		{"past the bound, to sign in", a.head("POST /api/v1/login", "Content-Type: application/json", length(pastMaxBody)) + strings.Repeat(" ", pastMaxBody), []int{413}, either},
		{"more than promised", a.framed("{}smuggled", "Content-Length: 2"), []int{422}, either},
		{"less than promised, then a request", a.framed("{", "Content-Length: 40"), []int{400, 413, 422}, either},
	}
}

// codedBodies say that they are coded. A coding is not undone: a small body must not become a large one.
func codedBodies(a *abused) (all []abuse) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, `{"body":"smuggled"}`+strings.Repeat(" ", 10<<20)) // a Buffer takes all
	_ = w.Close()
	for _, x := range []struct{ coding, body string }{{"gzip", zipped.String()}, {"deflate", zipped.String()}, {"br", "\x0b\x02\x80{}\x03"}, {"gzip, gzip", zipped.String()}} {
		all = append(all, abuse{"coded " + x.coding, a.framed(x.body, "Content-Encoding: "+x.coding, fmt.Sprintf("Content-Length: %d", len(x.body))), []int{400, 415}, either})
	}
	return append(all,
		abuse{"not coded as it says", a.framed("{}", "Content-Encoding: gzip", "Content-Length: 2"), []int{400, 415, 422}, either},
		abuse{"a form", a.head("POST /api/v1/rooms/tea/messages", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 13") + "body=smuggled", []int{415}, either},
		abuse{"a form of parts", a.head("POST /api/v1/rooms/tea/messages", "Content-Type: multipart/form-data; boundary="+strings.Repeat("x", 8<<10), "Content-Length: 2") + "--", []int{415}, either},
		abuse{"two media types", a.head("POST /api/v1/rooms/tea/messages", "Content-Type: text/plain", "Content-Type: application/json", "Content-Length: 2") + "{}", []int{400, 415, 422}, either},
	)
}

// continues asks before it sends the body.
func continues(a *abused) {
	for _, x := range []struct {
		name, sent string
		want       []int
		asked      bool // for the body
	}{
		{"refused", strings.Replace(a.framed("", "Expect: 100-continue", "Content-Length: 20"), "Bearer ", "Bearer x", 1), []int{401}, false},
		{"to nothing", a.head("POST /nothing", "Expect: 100-continue", "Content-Length: 20"), []int{404}, false},
		{"a wrong method", a.head("POST /healthz", "Expect: 100-continue", "Content-Length: 20"), []int{405}, false},
		{"of another type", a.head("POST /api/v1/login", "Expect: 100-continue", "Content-Type: text/plain", "Content-Length: 20"), []int{415}, false},
		{"to what needs none", a.get("/healthz", "Expect: 100-continue", "Content-Length: 20"), []int{200}, false},
		{"a length of nothing", a.framed("", "Expect: 100-continue", "Content-Length: 0"), []int{400}, false},
		{"taken, and then not JSON", a.framed("smuggled", "Expect: 100-continue", "Content-Length: 8"), []int{400}, true},
	} {
		a.Run(x.name, func(t *testing.T) {
			a := a.in(t)
			said := a.exchange(strings.Replace(x.sent, "\r\n", "\r\nConnection: close\r\n", 1))
			if len(said) != 1 || !slices.Contains(x.want, said[0].status) || (len(said[0].interim) == 1) != x.asked {
				a.Errorf("answered %v, after %v; want one of %v, asked for the body: %v", said, interims(said), x.want, x.asked)
			}
			a.unharmed(x.name)
		})
	}
	a.Run("past the bound", func(t *testing.T) {
		a := a.in(t)
		said := a.exchange(a.framed(strings.Repeat(" ", pastMaxBody), "Connection: close", "Expect: 100-continue", fmt.Sprintf("Content-Length: %d", pastMaxBody)))
		if len(said) != 1 || said[0].status != http.StatusRequestEntityTooLarge {
			a.Errorf("answered %v", said)
		}
	})
}

func interims(said []heard) (all []int) {
	for _, h := range said {
		all = append(all, h.interim...)
	}
	return all
}

// endedEarly closes the sending half before the body is whole: what came is not acted upon.
func endedEarly(a *abused) {
	whole := `{"body":"smuggled"}`
	for name, sent := range map[string]string{
		"in a body":             a.framed(whole, "Content-Length: 100"),
		"before a body":         a.framed("", "Content-Length: 100"),
		"in the longest chunk":  a.framed("ffffffffffffffff\r\n"+whole, "Transfer-Encoding: chunked"),
		"in a chunk":            a.framed("64\r\n"+whole, "Transfer-Encoding: chunked"),
		"between chunks":        a.framed(fmt.Sprintf("%x\r\n%s\r\n", len(whole), whole), "Transfer-Encoding: chunked"),
		"before the last lines": a.framed(fmt.Sprintf("%x\r\n%s\r\n0\r\n", len(whole), whole), "Transfer-Encoding: chunked"),
		"in trailers":           a.framed(fmt.Sprintf("%x\r\n%s\r\n0\r\nX-A: b\r\n", len(whole), whole), "Transfer-Encoding: chunked"),
		"of what needs none":    a.get("/healthz", "Content-Length: 100"),
		"in a header":           "GET /healthz HTTP/1.1\r\nHost: kla",
		"before a byte":         "",
	} {
		a.Run(name, func(t *testing.T) {
			a := a.in(t)
			conn := a.dial()
			defer conn.Close()
			_, _ = io.WriteString(conn, sent)
			if half, ok := conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil && sent != "" {
				a.Fatal("cannot close one half")
			}
			said, err := hearAll(conn)
			if err != nil || len(said) > 1 || len(said) == 1 && said[0].innocent() != nil {
				a.Errorf("answered %v, %v", said, err)
			}
			a.unharmed(name)
		})
	}
	a.Run("by a reset", func(t *testing.T) {
		a := a.in(t)
		conn := a.dial()
		_, _ = io.WriteString(conn, a.framed(whole, "Content-Length: 100"))
		under := conn
		if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
			under = wrapped.NetConn()
		}
		if err := under.(*net.TCPConn).SetLinger(0); err != nil {
			a.Fatal(err)
		}
		_ = under.Close()
		a.unharmed("a reset")
	})
}
