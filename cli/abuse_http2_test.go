package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	floodPatience = 10 * time.Second // for the server to have dealt with a flood
	floodMemory   = 64 << 20         // the most that a flood may make the heap grow, the attacker's own share with it
)

// TestAbusedHTTP2: floods of HTTP/2 (RFC 9113, 10.5) cost the flooder the
// connection or nothing; others are answered while they go on.
func TestAbusedHTTP2(t *testing.T) {
	a := openAbused(t, true)
	for _, x := range []struct {
		name  string
		flood func(c *h2)
	}{
		{"rapid reset", rapidReset},
		{"rapid reset of posts", rapidPosts},
		{"streams without end", openStreams},
		{"headers without end", endlessHeaders},
		{"headers of nothing without end", emptyHeaders},
		{"headers that unpack to much", unpacking},
		{"many headers", manyHeaders},
		{"a table without end", largeTable},
		{"pings unread", pingsUnread},
		{"settings unread", settingsUnread},
		{"answers unread", unread},
		{"windows of nothing", windows},
		{"a preface and nothing", func(*h2) {}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a := a.in(t)
			c := a.h2()
			done := make(chan struct{})
			go func() {
				defer close(done)
				x.flood(c)
			}()
			most := a.meanwhile(done)
			c.end()
			if most > floodMemory {
				a.Errorf("the heap grew by %d MiB", most>>20)
			}
			a.unharmed(x.name)
			a.forgotten()
		})
	}
	a.nothingSmuggled()
}

// TestAbusedHTTP2Requests: requests that break HTTP/2's rules for fields are
// refused or harmless (RFC 9113, 8.1.1 to 8.3), also where HTTP/1.1 would have framed by them.
func TestAbusedHTTP2Requests(t *testing.T) {
	a := openAbused(t, true)
	pseudo := []string{":method", "GET", ":scheme", "https", ":authority", "klatch", ":path", "/healthz"}
	with := func(fields ...string) []string { return append(pseudo[:len(pseudo):len(pseudo)], fields...) }
	at := func(path string) []string {
		return []string{":method", "GET", ":scheme", "https", ":authority", "klatch", ":path", path}
	}
	for _, x := range []struct {
		name   string
		fields []string
		data   string // ends the stream
		want   []int  // cut: the stream is reset, or the connection ended
	}{
		{"nothing wrong", pseudo, "", []int{200}},
		{"a large letter", with("X-Smuggled", "1"), "", []int{cut, 400}},
		{"a line end in a value", with("x-a", "b\r\nx-smuggled: 1"), "", []int{cut, 400}},
		{"a line end in an id", with("x-request-id", "b\r\nx-smuggled: 1"), "", []int{cut, 400}},
		{"a line end in a name", with("x-a\r\nx-smuggled", "1"), "", []int{cut, 400}},
		{"a NUL in a value", with("x-a", "b\x00"), "", []int{cut, 400}},
		{"a colon in a name", with("x:smuggled", "1"), "", []int{cut, 400}},
		{"an empty name", with("", "1"), "", []int{cut, 400}},
		{"a pseudo field after others", append([]string{"x-a", "b"}, pseudo...), "", []int{cut, 400}},
		{"two paths", with(":path", "/api/v1/me"), "", []int{cut, 400}},
		{"an unknown pseudo field", with(":smuggled", "1"), "", []int{cut, 400}},
		{"a status", with(":status", "200"), "", []int{cut, 400}},
		{"no path", pseudo[:6], "", []int{cut, 400}},
		{"no method", pseudo[2:], "", []int{cut, 400}},
		{"no fields", nil, "", []int{cut, 400}},
		{"an empty path", at(""), "", []int{cut, 400}},
		{"a path of another host", at("//evil.example/.."), "", []int{404}},
		{"an absolute path", at("https://evil.example/.."), "", []int{cut, 400, 404}},
		{"a path with a line end", at("/healthz HTTP/1.1\r\nx-smuggled: 1\r\n\r\n"), "", []int{cut, 400, 404}},
		{"a path with a blank", at("/healthz x"), "", []int{cut, 400, 404}},
		{"another scheme", []string{":method", "GET", ":scheme", "evil", ":authority", "klatch", ":path", "/healthz"}, "", []int{cut, 200, 400}},
		{"a method with a line end", []string{":method", "GET / HTTP/1.1\r\nx: y", ":scheme", "https", ":authority", "klatch", ":path", "/"}, "", []int{cut, 400, 405}},
		{"CONNECT", []string{":method", "CONNECT", ":authority", "evil.example:443"}, "", []int{cut, 400, 404, 405}},
		{"another host beside", with("host", "evil.example"), "", []int{cut, 200, 400}},
		{"an authority with a user", []string{":method", "GET", ":scheme", "https", ":authority", "evil@klatch", ":path", "/healthz"}, "", []int{cut, 200, 400}},
		{"a connection field", with("connection", "close"), "", []int{cut, 400}},
		{"an upgrade", with("upgrade", "websocket", "connection", "upgrade"), "", []int{cut, 400}},
		{"a transfer coding", with("transfer-encoding", "chunked"), "0\r\n\r\n", []int{cut, 400}},
		{"TE of more than trailers", with("te", "gzip"), "", []int{cut, 200, 400}},
		{"less than promised", with("content-length", "5"), "ab", []int{cut, 200, 400}},
		{"more than promised", with("content-length", "2"), "abcde", []int{cut, 200, 400}},
		{"two lengths", with("content-length", "2", "content-length", "3"), "ab", []int{cut, 200, 400}},
		{"a length below zero", with("content-length", "-1"), "ab", []int{cut, 200, 400}},
		{"300 cookies", with(strings.Split(strings.Repeat("cookie\x00a=b\x00", 300), "\x00")[:600]...), "", []int{200, 431}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a := a.in(t)
			c := a.h2()
			c.request(1, x.data == "", x.fields...)
			if x.data != "" {
				_ = c.framer.WriteData(1, true, []byte(x.data)) // a server that has left need not hear it
			}
			h, err := c.answer(1)
			if err == nil {
				err = h.innocent()
			}
			if err != nil {
				a.Errorf("answered %v: %v", h, err)
			}
			c.end()
			a.judge(abuse{want: x.want}, []heard{h})
			a.unharmed(x.name)
		})
	}
	a.forgotten()
}

// meanwhile keeps another client asking until a flood is over, and returns by
// how much the heap has grown at most.
func (a *abused) meanwhile(done <-chan struct{}) (most int64) {
	a.Helper()
	before, end := heap(), time.Now().Add(floodPatience)
	for over := false; !over; {
		select {
		case <-done:
			over = true // once more: what has been sent is being dealt with
		default:
		}
		asked := time.Now()
		if h := a.one(a.get("/api/v1/rooms/tea", "Connection: close")); h.status != http.StatusOK {
			a.Errorf("another client is answered %v", h)
		}
		if time.Since(asked) > floodPatience || time.Now().After(end) {
			a.Fatalf("not over after %s", floodPatience)
		}
		most = max(most, heap()-before)
	}
	return most
}

func heap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// h2 is a client's end of a connection, frame by frame.
type h2 struct {
	*abused
	conn   io.ReadWriteCloser
	framer *http2.Framer
	block  bytes.Buffer
	pack   *hpack.Encoder
	drain  sync.WaitGroup
}

func (a *abused) h2() *h2 {
	a.Helper()
	conn := a.dial("h2")
	_ = conn.SetWriteDeadline(time.Now().Add(floodPatience / 2)) // a server that does not read has ended the flood
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		a.Fatal(err)
	}
	c := &h2{abused: a, conn: conn, framer: http2.NewFramer(conn, conn)}
	c.framer.AllowIllegalWrites = true
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.pack = hpack.NewEncoder(&c.block)
	if err := c.framer.WriteSettings(); err != nil {
		a.Fatal(err)
	}
	return c
}

// listen reads what the server says and forgets it.
func (c *h2) listen() {
	c.drain.Go(func() { _, _ = io.Copy(io.Discard, c.conn) })
}

func (c *h2) end() {
	c.conn.Close()
	c.drain.Wait()
}

// packed is a header block; fields are names and values.
func (c *h2) packed(fields ...string) []byte {
	c.block.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		_ = c.pack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // a Buffer takes all
	}
	return bytes.Clone(c.block.Bytes())
}

func (c *h2) request(stream uint32, whole bool, fields ...string) bool {
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true, EndStream: whole, BlockFragment: c.packed(fields...)}) == nil
}

// fields of a request of ann's.
func (c *h2) fields(method, path string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "https", ":authority", "klatch", ":path", path, "authorization", "Bearer " + c.token}, more...)
}

// answer reads a stream to its end; its zero status is for one that was reset, or lost with the connection.
func (c *h2) answer(stream uint32) (h heard, err error) {
	for {
		f, err := c.framer.ReadFrame()
		if refused := (http2.ConnectionError)(0); errors.Is(err, io.EOF) || errors.As(err, &refused) || ended(err) {
			return heard{}, nil
		}
		if err != nil {
			return h, err
		}
		switch f := f.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return heard{}, nil
		case *http2.MetaHeadersFrame:
			h.header = http.Header{}
			for _, field := range f.RegularFields() {
				h.header.Add(field.Name, field.Value)
			}
			if _, err := fmt.Sscan(f.PseudoValue("status"), &h.status); err != nil {
				return h, err
			}
		case *http2.DataFrame:
			h.body += string(f.Data())
		}
		if f.Header().StreamID == stream && f.Header().Flags.Has(http2.FlagDataEndStream) {
			return h, nil
		}
	}
}

// CVE-2023-44487: each stream costs the server a handler, and the client nothing.
func rapidReset(c *h2) {
	c.listen()
	for i := range uint32(1000) {
		if !c.request(2*i+1, true, c.fields("GET", "/api/v1/openapi.json")...) || c.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel) != nil {
			return
		}
	}
}

func rapidPosts(c *h2) {
	c.listen()
	for i := range uint32(1000) {
		ok := c.request(2*i+1, false, c.fields("POST", "/api/v1/rooms/tea/messages", "content-type", "application/json", "content-length", "100")...) &&
			c.framer.WriteData(2*i+1, false, []byte(`{"body":"smuggled"}`)) == nil && c.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel) == nil
		if !ok {
			return
		}
	}
}

// openStreams begins bodies and ends none.
func openStreams(c *h2) {
	c.listen()
	for i := range uint32(1000) {
		if !c.request(2*i+1, false, c.fields("POST", "/api/v1/rooms/tea/messages", "content-type", "application/json")...) ||
			c.framer.WriteData(2*i+1, false, bytes.Repeat([]byte(" "), 60)) != nil {
			return
		}
	}
}

// endlessHeaders is the CONTINUATION flood, CVE-2023-45288: the server must have ended it.
func endlessHeaders(c *h2) {
	c.listen()
	first := c.packed(c.fields("GET", "/healthz")...)
	_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: first})
	for range 8000 {
		if c.framer.WriteContinuation(1, false, c.packed("x-long", strings.Repeat("x", 15<<10))) != nil {
			return
		}
	}
	c.Error("120 MiB of one request's headers were read")
}

func emptyHeaders(c *h2) {
	c.listen()
	_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.packed(c.fields("GET", "/healthz")...)})
	for range 10_000 {
		if c.framer.WriteContinuation(1, false, nil) != nil {
			return
		}
	}
}

// unpacking names one long field of the table again and again: two bytes for 4,000.
func unpacking(c *h2) {
	c.listen()
	for i := range uint32(5) {
		fields := c.fields("GET", "/healthz")
		for range 7000 {
			fields = append(fields, "x-long", strings.Repeat("x", 3900))
		}
		block := c.packed(fields...)
		_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, EndStream: true, EndHeaders: len(block) <= 16<<10, BlockFragment: block[:min(len(block), 16<<10)]})
		for block = block[min(len(block), 16<<10):]; len(block) > 0; block = block[min(len(block), 16<<10):] {
			if c.framer.WriteContinuation(2*i+1, len(block) <= 16<<10, block[:min(len(block), 16<<10)]) != nil {
				return
			}
		}
	}
}

func manyHeaders(c *h2) {
	c.listen()
	fields := c.fields("GET", "/healthz")
	for range 5000 {
		fields = append(fields, "a", "")
	}
	for i := range uint32(30) {
		if !c.request(2*i+1, true, fields...) {
			return
		}
	}
}

// largeTable asks for a table of 4 GiB, and to remember everything in it.
func largeTable(c *h2) {
	c.listen()
	for i := range uint32(200) {
		block := append([]byte{0x3f, 0xe1, 0xff, 0xff, 0xff, 0x0f}, c.packed(c.fields("GET", "/healthz", "x-long", strings.Repeat(fmt.Sprint(i%10), 4000))...)...)
		if c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, EndStream: true, EndHeaders: true, BlockFragment: block}) != nil {
			return
		}
	}
}

// pingsUnread: they are answered, and the answers not read: CVE-2019-9512.
func pingsUnread(c *h2) {
	for i := range 20_000 {
		if c.framer.WritePing(false, [8]byte{byte(i)}) != nil {
			return
		}
	}
}

// settingsUnread: they are acknowledged, and the acknowledgements not read: CVE-2019-9515.
func settingsUnread(c *h2) {
	for i := range 20_000 {
		if c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}) != nil {
			return
		}
	}
}

// unread asks for much and opens the window for nothing of it: CVE-2019-9517.
func unread(c *h2) {
	_ = c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	_ = c.framer.WriteWindowUpdate(0, 1<<31-1-65535)
	for i := range uint32(1000) {
		if !c.request(2*i+1, true, c.fields("GET", c.script)...) {
			return
		}
	}
}

func windows(c *h2) {
	c.listen()
	_ = c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for i := range uint32(1000) {
		if !c.request(2*i+1, true, c.fields("GET", c.script)...) || c.framer.WriteWindowUpdate(2*i+1, 1) != nil {
			return
		}
	}
}
