package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const pollingPath = "/socket.io/?EIO=4&transport=polling"

// TestAbusedSocketIO ill-treats a node as Socket.IO's clients could: whatever they
// send, none is answered with 5xx but those who are too many, others are served,
// the log stays short, and the node holds in the end what it held before (I6, I9).
func TestAbusedSocketIO(t *testing.T) {
	a := openAbused(t, false, values{"max-connections": "100", "ops-addr": "127.0.0.1:0", "heartbeat-interval": "1s", "heartbeat-timeout": "2s"})
	io := &callers{abused: a, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: lobbyPatience}}
	io.session().end() // so that what is made once is there
	io.http.CloseIdleConnections()
	a.forgotten()
	before, said := takeFootprint(t), a.log.said()
	gone := io.flood(t, 2000)
	t.Run("sids", func(t *testing.T) { io.in(t).sids(gone) })
	t.Run("packets", func(t *testing.T) { io.in(t).packets() })
	t.Run("slow bodies", func(t *testing.T) { io.in(t).slowBodies() })
	t.Run("namespaces", func(t *testing.T) { io.in(t).namespaces() })
	t.Run("too much to answer", func(t *testing.T) { io.in(t).questions() })
	a.unharmed("the attacks")
	io.http.CloseIdleConnections()
	await(t, "the end of all sessions", func() bool { return io.sessions() == 0 })
	a.forgotten()
	awaitFootprint(t, before)
	if lines := a.log.said() - said; lines > 100 {
		t.Errorf("%d lines in the log", lines)
	}
}

// callers are clients of Socket.IO that keep no rule.
type callers struct {
	*abused
	http *http.Client
}

func (c *callers) in(t *testing.T) *callers { return &callers{c.abused.in(t), c.http} }

// ask makes a request and holds the answer to blame nobody but the client.
func (c *callers) ask(method, query, body string) (status int, text string) {
	c.Helper()
	r, err := http.NewRequest(method, c.node.public.url()+pollingPath+query, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		c.Fatalf("%s %.80s with %.80q: %v", method, query, body, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		c.Fatal(err)
	}
	tooMany := answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != ""
	if answer.StatusCode >= 500 && !tooMany {
		c.Errorf("%s %.80s with %.80q: %d %s", method, query, body, answer.StatusCode, said)
	}
	return answer.StatusCode, string(said)
}

// sessions is how many the node counts.
func (c *callers) sessions() int {
	c.Helper()
	var metrics string
	call(c.T, "GET", c.node.ops.url()+"/metrics", "", nil, &metrics)
	_, rest, _ := strings.Cut(metrics, "\nklatch_socketio_sessions{transport=\"polling\"} ")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// caller is one session.
type caller struct {
	*callers
	query string
}

func (c *callers) session() *caller {
	c.Helper()
	status, said := c.ask(http.MethodGet, "", "")
	var open struct{ Sid string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(said, "0")), &open); status != http.StatusOK || err != nil {
		c.Fatalf("the handshake: %d %s", status, said)
	}
	return &caller{c, "&sid=" + open.Sid}
}

// connected is a session that klatch has let in.
func (c *callers) connected() *caller {
	c.Helper()
	s := c.session()
	s.post(`40{"token":"` + c.token + `"}`)
	s.until(`42["ready"`)
	return s
}

func (s *caller) post(body string) int {
	s.Helper()
	status, _ := s.ask(http.MethodPost, s.query, body)
	return status
}

// until polls until a part has come, or the session has ended.
func (s *caller) until(part string) (all string, over bool) {
	s.Helper()
	for !strings.Contains(all, part) {
		status, said := s.ask(http.MethodGet, s.query, "")
		if status != http.StatusOK || said == "1" {
			return all, true
		}
		if all += said + "\x1e"; strings.Contains("\x1e"+all, "\x1e2\x1e") {
			s.post("3")
		}
	}
	return all, false
}

func (s *caller) end() { s.Helper(); s.post("1") }

// flood makes sessions that nobody polls. No more than the limit are had at a
// time; it returns one that has ended by itself.
func (c *callers) flood(t *testing.T, n int) (gone string) {
	refused := 0
	for range n {
		status, said := c.ask(http.MethodGet, "", "")
		switch status {
		case http.StatusOK:
			gone = said
		case http.StatusServiceUnavailable:
			refused++
		}
	}
	if most := c.sessions(); refused == 0 || most > 100 {
		t.Errorf("of %d sessions %d were refused, and there are %d", n, refused, most)
	}
	_, gone, _ = strings.Cut(gone, `"sid":"`)
	gone, _, _ = strings.Cut(gone, `"`)
	await(t, "the end of a session that nobody polls", func() bool {
		_, said := c.ask(http.MethodPut, "&sid="+gone, "") // which is no sign of life
		return said == sessionUnknown
	})
	await(t, "room for others", func() bool {
		status, _ := c.ask(http.MethodGet, "", "")
		return status == http.StatusOK
	})
	return gone
}

// sids are of nobody, or of others.
func (c *callers) sids(gone string) {
	node, random, _ := strings.Cut(gone, ".")
	for _, sid := range []string{
		gone, random, node + ".", node + "." + strings.Repeat("A", 20), "." + random, node + "." + node + "." + random,
		"0000000000000001." + random, "nowhere." + random, "../.." + random, "%2e%2e%2f." + random, strings.Repeat("A", 8000) + "." + random,
		strings.ToUpper(gone), gone + "%00", "%0d%0aX-Smuggled:1", "a%FF.b", "&sid=" + gone, " ",
	} {
		sid = strings.ReplaceAll(sid, " ", "%20")
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			if status, said := c.ask(method, "&sid="+sid, "3"); status != http.StatusBadRequest || !strings.Contains(said, `"code":`) {
				if sid[0] == '&' && method == http.MethodGet {
					continue // the first sid counts, and is none: a handshake
				}
				c.Errorf("%s %.80q: %d %.80s", method, sid, status, said)
			}
		}
	}
}

// packets are malformed, or too large, or of nobody who may send them.
func (c *callers) packets() {
	megabyte := strings.Repeat("x", 1_000_000)
	for _, p := range []struct {
		packet string
		status int
		lives  bool // the session does
	}{
		{`451000000000-["a"]`, 200, false},
		{`4599999999999999999999-["a"]`, 200, false},
		{`45-1-["a"]`, 200, false},
		{`451-["a",{"_placeholder":true,"num":1}]`, 200, false},
		{`451-["a"]` + "\x1e" + `42["ping"]`, 200, false},
		{`429223372036854775808["ping"]`, 200, false},
		{`429007199254740992["ping"]`, 200, false},
		{`429007199254740991["ping"]`, 200, true},
		{`43-1[]`, 200, false},
		{`439007199254740991[]`, 200, true},
		{"42[\"\x00\"]", 200, false},
		{`42["\u0000\u001e"]`, 200, true},
		{"42[\"\xff\"]", 400, false},
		{`42` + strings.Repeat("[", 100_000), 200, false},
		{`42["a",` + strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60) + "]", 200, true},
		{`40/` + megabyte[:500_000], 200, true},
		{`42/` + megabyte[:500_000] + `,["a"]`, 200, false},
		{`42["signal",{"room":"tea","name":"x","data":"` + megabyte[:999_000] + `"}]`, 200, true},
		{`42["` + megabyte[:999_000] + `"]`, 200, true},
		{"4" + megabyte, 413, true},
		{"b" + strings.Repeat("!", 100), 400, false},
		{"bAAAA", 200, false},
		{"", 400, false},
		{strings.Repeat("\x1e", 999_999), 400, false},
		{strings.Repeat("3\x1e", 400_000) + "3", 200, true},
		{"2probe", 200, false},
		{"5", 200, true},
		{"9", 400, false},
	} {
		s := c.connected()
		if status := s.post(p.packet); status != p.status {
			c.Errorf("%.60q: status %d, want %d", p.packet, status, p.status)
		}
		s.post(`424711["ping"]`) // answered with 400 where the session has ended
		if all, over := s.until("434711"); over == p.lives {
			c.Errorf("%.60q: alive %v, after %.200q", p.packet, !over, all)
		}
		if p.lives {
			s.end()
		}
	}
}

// slowBodies never send what they announce. Those of sessions are cut off in the
// heartbeat's timeout; the rest has the patience that every request has.
func (c *callers) slowBodies() {
	var done sync.WaitGroup
	for i := range 200 {
		query := fmt.Sprintf("&sid=0123456789abcdef.%d", i)
		if i < 80 {
			query = c.session().query
		}
		conn := c.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST "+pollingPath+query+" HTTP/1.1\r\nHost: klatch\r\nContent-Length: 1000\r\n\r\n4"); err != nil {
			c.Fatal(err)
		}
		if i < 80 {
			done.Go(func() {
				if said, err := hearAll(conn); err != nil || len(said) > 1 || len(said) == 1 && said[0].status != http.StatusBadRequest {
					c.Errorf("a slow body got %v, %v", said, err)
				}
			})
		}
	}
	done.Wait()
}

// namespaces are asked for again and again, by who is let in and who is not.
func (c *callers) namespaces() {
	var ask strings.Builder
	for i := range 100 {
		fmt.Fprintf(&ask, "40/%d,\x1e", i)
	}
	s := c.session()
	s.post(ask.String() + "3")
	if all, over := s.until("no more"); !over || strings.Count(all, "44/") > 40 {
		c.Errorf("a hundred namespaces have %d answers: %v", strings.Count(all, "44/"), over)
	}
	s = c.session()
	s.post(strings.Repeat(`40{"token":"guessed"}`+"\x1e", 20_000) + "3")
	if all, over := s.until("no more"); !over || strings.Count(all, `"unauthorized"`) > 40 {
		c.Errorf("20,000 tokens have %d answers: %v", strings.Count(all, `"unauthorized"`), over)
	}
}

// questions have more answers than a client takes that does not poll.
func (c *callers) questions() {
	s := c.connected()
	s.post(strings.Repeat(`421["ping"]`+"\x1e", 80_000) + "3")
	if all, _ := s.until("no more"); len(all) > 4<<20 {
		c.Errorf("%d bytes waited for a client", len(all))
	}
}
