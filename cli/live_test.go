package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// polled is a client of Socket.IO by long-polling, which needs nothing but HTTP.
type polled struct {
	t   *testing.T
	url string
}

// dialPolled begins a session and connects it to klatch.
func dialPolled(t *testing.T, n *node, auth string) *polled {
	t.Helper()
	p := &polled{t, n.public.url() + "/socket.io/?EIO=4&transport=polling"}
	var open struct {
		Sid        string
		Upgrades   []string
		MaxPayload int
	}
	body, status := p.get()
	if status != http.StatusOK || json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open) != nil || open.MaxPayload != maxPayload || len(open.Upgrades) != 1 {
		t.Fatalf("the handshake answers %d: %s", status, body)
	}
	p.url += "&sid=" + open.Sid
	p.post("40" + auth)
	return p
}

func (p *polled) get() (body string, status int) {
	p.t.Helper()
	body, status, err := p.ask()
	if err != nil {
		p.t.Fatal(err)
	}
	return body, status
}

func (p *polled) ask() (body string, status int, err error) {
	r, err := http.NewRequest(http.MethodGet, p.url, nil)
	if err != nil {
		return "", 0, err
	}
	r.Header.Set("Origin", "https://app.example")
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		p.t.Errorf("CORS: %v", resp.Header)
	}
	return string(text), resp.StatusCode, err
}

func (p *polled) post(packet string) {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader(packet))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("POST answers %d", resp.StatusCode)
	}
}

// until polls until a part has come, and returns everything.
func (p *polled) until(part string) (all string) {
	p.t.Helper()
	for !strings.Contains(all, part) {
		body, status := p.get()
		if status != http.StatusOK {
			p.t.Fatalf("no %q in %q, then %d: %s", part, all, status, body)
		}
		if all += body + "\n"; body == "2" {
			p.post("3")
		}
	}
	return all
}

// TestServeSocketIO: a node speaks Socket.IO where its clients look for it,
// counts their sessions like others, and sends them away when it leaves.
func TestServeSocketIO(t *testing.T) {
	n, stop := startNode(t, t.TempDir(), values{"max-connections": "2"})
	ada, _ := register(t, n, "ada", "")
	if status := call(t, "POST", n.public.url()+"/api/v1/rooms", ada.Token, map[string]string{"name": "tea"}, nil); status != http.StatusCreated {
		t.Fatalf("making a room answers %d", status)
	}
	native := dialRaw(t, n, ada.Token)
	if frame := native.read(); !bytes.Contains(frame, []byte(`"type":"ready"`)) {
		t.Fatalf("hello got %s", frame)
	}
	p := dialPolled(t, n, `{"token":"`+ada.Token+`"}`)
	p.until(`42["ready",`)
	p.post(`427["post",{"room":"tea","body":"by polling"}]`)
	if got := p.until(`437[{"ok":true,`); !strings.Contains(got, `42["message",`) {
		t.Errorf("the echo has not come before the answer: %s", got)
	}
	if frame := native.read(); !bytes.Contains(frame, []byte("by polling")) {
		t.Errorf("the other protocol got %s", frame)
	}
	var refused struct{ Message string }
	if status := call(t, "GET", n.public.url()+"/socket.io/?EIO=4&transport=polling", "", nil, &refused); status != http.StatusServiceUnavailable || refused.Message == "" {
		t.Errorf("a third connection of two: %d %+v", status, refused)
	}
	var metrics string
	call(t, "GET", n.ops.url()+"/metrics", "", nil, &metrics)
	for _, line := range []string{`klatch_socketio_sessions{transport="polling"} 1`, `klatch_socketio_sessions{transport="websocket"} 0`, "klatch_sessions 2"} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	ended, bye := make(chan error, 1), make(chan string, 1)
	go func() { body, _, _ := p.ask(); bye <- body }()
	go func() { ended <- stop() }()
	// Whether the poll was there in time or not, the client is to go elsewhere, not away.
	if body := <-bye; strings.Contains(body, "41") {
		t.Errorf("goodbye is %q", body)
	}
	if code := native.readClose(); code != 1001 {
		t.Errorf("closed with %d", code)
	}
	native.conn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
