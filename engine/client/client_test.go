package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestCloseCodes: 4001, 4002 and 4009 end a client; after every other end it comes
// back with its cursor.
func TestCloseCodes(t *testing.T) {
	for code, final := range map[uint16]bool{
		1000: false, 1001: false, 1009: false, 1011: false, 4001: true, 4002: true, 4008: false, 4009: true, 4029: false,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := newScript(t)
			c, p := s.open()
			_ = p.conn.WriteClose(code, []byte("because"))
			if !final {
				if hello := s.next().greet(); hello["cursor"] != "c1" || hello["token"] != "t" {
					t.Fatalf("came back with %v", hello)
				}
				return
			}
			<-c.Done()
			var end *CloseError
			if !errors.As(c.Err(), &end) || end.Code != int(code) || end.Reason != "because" {
				t.Fatalf("ended with %v", c.Err())
			}
		})
	}
}

// TestRepeat: posts without an ack are sent again in their order, with their nonces, before newer
// ones; other calls fail, and what was not sent waits.
func TestRepeat(t *testing.T) {
	s := newScript(t)
	c, p := s.open()
	posted := make(chan string, 10)
	post := func(body string) {
		err := c.PostAsync(Post{Room: "r", Body: body}, func(p Posted, err error) { posted <- fmt.Sprint(p.ID, err) })
		if err != nil {
			t.Error(err)
		}
	}
	post("one")
	post("two")
	one, two := p.next("post"), p.next("post")
	edited := make(chan error, 1)
	go func() {
		_, err := c.Edit(testContext(t), "m", "x")
		edited <- err
	}()
	p.next("edit")
	_ = p.conn.NetConn().Close()
	if err := <-edited; !errors.Is(err, ErrDisconnected) {
		t.Fatalf("the edit ended with %v", err)
	}
	post("three") // between two connections
	p = s.next()
	p.greet()
	again1, again2, three := p.next("post"), p.next("post"), p.next("post")
	if again1["nonce"] != one["nonce"] || again2["nonce"] != two["nonce"] || three["body"] != "three" || one["nonce"] == two["nonce"] {
		t.Fatalf("%v %v %v after %v %v", again1, again2, three, one, two)
	}
	for i, f := range []map[string]any{again1, again2, three} {
		p.say(fmt.Sprintf(`{"type":"ack","ref":%v,"id":"m%d","at":"2030-01-02T03:04:05.006Z","position":"p"}`, f["ref"], i))
		if got := <-posted; got != fmt.Sprintf("m%d<nil>", i) {
			t.Fatalf("post %d: %s", i, got)
		}
	}
}

// TestTooLarge: a post for which the server closes is not sent for ever.
func TestTooLarge(t *testing.T) {
	s := newScript(t)
	c, p := s.open()
	failed := make(chan error, 1)
	if err := c.PostAsync(Post{Room: "r", Body: "huge"}, func(_ Posted, err error) { failed <- err }); err != nil {
		t.Fatal(err)
	}
	p.next("post")
	_ = p.conn.WriteClose(1009, nil)
	if err := <-failed; !errors.Is(err, &Error{Code: "too_large"}) {
		t.Fatal(err)
	}
	p = s.next()
	p.greet()
	go func() { _, _ = c.Ping(testContext(t)) }()
	p.next("ping") // and not the post
}

// TestResetIsNotLost: a cursor that was not honoured is offered again until the
// server has said reset; only then the new one counts (I5: never silence).
func TestResetIsNotLost(t *testing.T) {
	s := newScript(t)
	resets := make(chan string, 1)
	c, p := s.open(func(c *Config) {
		c.OnEvent = func(e Event) {
			if e.Type == TypeReset {
				resets <- string(e.Data)
			}
		}
	})
	const refused = `{"type":"ready","cursor":"c9","resumed":false,"heartbeat":{"interval_ms":25000,"timeout_ms":20000}}`
	p.say(`{"type":"checkpoint","cursor":"c2"}`)
	_ = p.conn.WriteClose(1001, nil)
	for range 2 {
		p = s.next()
		if hello := p.next("hello"); hello["cursor"] != "c2" {
			t.Fatalf("came with %v", hello)
		}
		p.say(refused)
		_ = p.conn.WriteClose(1001, nil)
	}
	p = s.next()
	p.next("hello")
	p.say(refused)
	p.say(`{"type":"reset","reason":"too old"}`)
	<-resets
	_ = p.conn.WriteClose(1001, nil)
	p = s.next()
	if hello := p.greet(); hello["cursor"] != "c9" {
		t.Fatalf("came with %v", hello)
	}
	_ = c.Close()
}

// TestSilence: a client that hears nothing asks, then takes the server for dead.
func TestSilence(t *testing.T) {
	s := newScript(t)
	why := make(chan error, 10)
	c, p := s.open(func(c *Config) { c.OnDisconnect = func(err error) { why <- err } })
	p.say(`{"type":"ready","cursor":"c1","resumed":true,"heartbeat":{"interval_ms":20,"timeout_ms":60}}`)
	p.next("ping")
	if err := <-why; !errors.Is(err, errSilent) {
		t.Fatal(err)
	}
	s.next().greet()
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
}

// TestNoReady: a server that accepts and says nothing is given up.
func TestNoReady(t *testing.T) {
	s := newScript(t)
	_, err := Dial(testContext(t), Config{URL: s.http.URL, HandshakeTimeout: 50 * time.Millisecond})
	if !errors.Is(err, errSilent) {
		t.Fatal(err)
	}
}

// TestClose: Close ends everything, twice as once; calls fail with ErrClosed, waiting or new.
func TestClose(t *testing.T) {
	s := newScript(t)
	c, p := s.open()
	waiting := make(chan error, 1)
	go func() {
		_, err := c.Post(context.Background(), Post{Room: "r", Body: "x"})
		waiting <- err
	}()
	p.next("post")
	_ = c.Close()
	_ = c.Close()
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("the waiting call: %v", err)
	}
	if _, err := c.Ping(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("a new call: %v", err)
	}
	<-p.closed
	if !errors.Is(c.Err(), ErrClosed) {
		t.Error(c.Err())
	}
}

// TestCloseWhileAway: Close does not wait for a server that is gone.
func TestCloseWhileAway(t *testing.T) {
	s := newScript(t)
	gone := make(chan error, 10)
	c, p := s.open(func(c *Config) {
		c.Backoff = Backoff{Min: time.Hour, Max: time.Hour}
		c.OnDisconnect = func(err error) { gone <- err }
	})
	_ = p.conn.NetConn().Close()
	<-gone
	_ = c.Close()
}

// TestMaxPending: calls without an answer are bounded (I6).
func TestMaxPending(t *testing.T) {
	s := newScript(t)
	c, _ := s.open(func(c *Config) { c.MaxPending = 2 })
	for range 2 {
		if err := c.PostAsync(Post{Room: "r", Body: "x"}, func(Posted, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.PostAsync(Post{Room: "r", Body: "x"}, func(Posted, error) {}); !errors.Is(err, ErrTooMany) {
		t.Fatal(err)
	}
}

// TestGivenUp: a call whose caller has gone is forgotten, and its late answer is no event.
func TestGivenUp(t *testing.T) {
	s := newScript(t)
	c, p := s.open(func(c *Config) {
		c.OnEvent = func(e Event) {
			if e.Type == "ack" || e.Type == "pong" {
				t.Errorf("event %s", e.Type)
			}
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	ping := p.next("ping")
	p.say(fmt.Sprintf(`{"type":"pong","ref":%v}`, ping["ref"]))
	done := make(chan error, 1)
	go func() { _, err := c.Ping(testContext(t)); done <- err }()
	p.say(fmt.Sprintf(`{"type":"pong","ref":%v}`, p.next("ping")["ref"]))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestHandshakeRefused: what the server says instead of a WebSocket is told, with the time to wait.
func TestHandshakeRefused(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer h.Close()
	_, err := Dial(testContext(t), Config{URL: h.URL})
	var e *handshakeError
	if !errors.As(err, &e) || e.status != 503 || e.retryAfter != 7*time.Second {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "ftp://x", "http://[", "localhost:80"} {
		if _, err := Dial(testContext(t), Config{URL: bad}); err == nil {
			t.Errorf("%q was dialled", bad)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Dial(ctx, Config{URL: h.URL}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestBackoff: full jitter stays within the doubled bound, and within Max for ever.
func TestBackoff(t *testing.T) {
	b := Backoff{Min: time.Second, Max: time.Minute}
	for attempt := range 200 {
		bound := b.Max
		if attempt < 6 {
			bound = b.Min << attempt
		}
		for range 50 {
			if w := b.wait(attempt); w <= 0 || w > bound {
				t.Fatalf("attempt %d waits %v of at most %v", attempt, w, bound)
			}
		}
	}
}
