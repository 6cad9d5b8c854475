package socketio

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// poller is a bare client that polls.
type poller struct {
	t   testing.TB
	url string
}

func (h *house) poll() *poller {
	h.t.Helper()
	p := &poller{h.t, "http" + strings.TrimPrefix(h.url, "ws") + "/socket.io/?EIO=4&transport=polling"}
	var opening struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p.get(), "0")), &opening); err != nil || opening.SID == "" {
		h.t.Fatalf("the handshake: %v", err)
	}
	p.url += "&sid=" + opening.SID
	return p
}

func (p *poller) get() string { return p.ask(http.MethodGet, "") }

func (p *poller) ask(method, body string) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// TestPartingOverPolling: a client that is thrown out has the DISCONNECT in an
// answer, and the end of the connection in the next one.
func TestPartingOverPolling(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	h := open(t, Config{})
	gone := make(chan string, 2)
	for _, n := range []*Namespace{h.Namespace, h.Of("/other")} {
		n.OnConnection(func(s *Socket) {
			s.OnDisconnect(func(reason string) { gone <- reason })
			s.On("throw me out", func(*Event) { s.Disconnect(true) })
		})
	}
	p := h.poll()
	p.ask(http.MethodPost, "40\x1e40/other,")
	for joined := ""; strings.Count(joined, `"sid"`) < 2; {
		joined += p.get()
	}
	p.ask(http.MethodPost, `42["throw me out"]`)
	said := p.get()
	for !strings.Contains(said, "41/other,") {
		said += "|" + p.get()
	}
	if !strings.Contains(said, "41") || strings.Contains(said, "1\x1e1") || strings.HasSuffix(said, "\x1e1") {
		t.Errorf("the client heard %q", said)
	}
	if last := p.get(); last != "1" {
		t.Errorf("then it heard %q", last)
	}
	if last := p.get(); !strings.Contains(last, "Session ID unknown") {
		t.Errorf("and at the end %q", last)
	}
	for range 2 {
		if reason := await(t, gone); reason != ReasonServerDisconnect {
			t.Errorf("a listener was told %q", reason)
		}
	}
}
