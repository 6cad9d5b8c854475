package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"time"
)

// caller speaks REST as a user, to do quickly what is not the page's test.
type caller struct {
	t    *testing.T
	base string
	http http.Client
}

func login(t *testing.T, base, username, password string) *caller {
	t.Helper()
	c := newCaller(t, base)
	c.call("POST", "/login", map[string]string{"username": username, "password": password}, nil)
	return c
}

func register(t *testing.T, base, username, display string) *caller {
	t.Helper()
	c := newCaller(t, base)
	c.call("POST", "/register", map[string]string{"username": username, "password": password, "display_name": display}, nil)
	return c
}

// newCaller is nobody yet.
func newCaller(t *testing.T, base string) *caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t: t, base: base, http: http.Client{Jar: jar, Transport: transport, Timeout: patience}}
}

func (c *caller) call(method, path string, body, answer any) {
	c.t.Helper()
	if err := c.try(method, path, body, answer); err != nil {
		c.t.Fatal(err)
	}
}

// insist repeats a request until it is answered: where it changes something, a
// nonce must keep it from changing that twice.
func (c *caller) insist(method, path string, body, answer any) (err error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = c.try(method, path, body, answer); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond) // not to press a node that is about to be back
	}
	return err
}

func (c *caller) try(method, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, c.base+"/api/v1"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", c.base)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, got)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}

// say posts and returns the message's id.
func say(c *caller, room, body string) string {
	c.t.Helper()
	var m struct{ ID string }
	c.call("POST", "/rooms/"+room+"/messages", map[string]string{"body": body}, &m)
	return m.ID
}

// message is what these tests look at of one.
type message struct{ ID, Body string }

// history is the whole of a room, oldest first.
func (c *caller) history(room string) (all []message) {
	c.t.Helper()
	for query := "?limit=200"; ; {
		var page struct {
			Items []message
			Prev  *string
		}
		c.call("GET", "/rooms/"+room+"/messages"+query, nil, &page)
		all = append(page.Items, all...)
		if page.Prev == nil {
			return all
		}
		query = "?limit=200&before=" + *page.Prev
	}
}

func bodiesOf(all []message) []string {
	bodies := make([]string, len(all))
	for i, m := range all {
		bodies[i] = m.Body
	}
	return bodies
}
