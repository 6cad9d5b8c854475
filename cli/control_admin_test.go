package cli

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
)

// Whoever can open the socket administers the node, with no account and no token.
func TestOperatorOverTheSocket(t *testing.T) {
	data := t.TempDir()
	n, _ := startNode(t, data, nil)
	o := newOperator(data, answerPatience)
	var made engine.Account
	ann := map[string]any{"username": "ann", "password": "correct horse", "role": "admin"}
	if err := o.post("/api/v1/admin/users", ann, &made); err != nil || !made.Admin() {
		t.Fatalf("%+v, %v", made, err)
	}
	if err := o.post("/api/v1/admin/users", ann, nil); err == nil || !strings.Contains(err.Error(), "the username is taken") {
		t.Errorf("the same again: %v", err)
	}
	var stats api.NodeStats
	if err := o.get("/api/v1/admin/stats", &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Node == "" || stats.Version == "" || stats.Commits == 0 || stats.Events == 0 || stats.CommitTime == nil || stats.CommitTime.P99 <= 0 ||
		stats.Store.DiskBytes == 0 || len(stats.Cache) != 4 {
		t.Errorf("the figures of a node that has written: %+v", stats)
	}
	// The socket has no users' routes, and the public address has no operator.
	if err := o.get("/api/v1/me", nil); err == nil || !strings.Contains(err.Error(), "nothing at this path") {
		t.Errorf("the operator's own account: %v", err)
	}
	if status := call(t, "GET", n.public.url()+"/api/v1/admin/users", "", nil, nil); status != 401 {
		t.Errorf("nobody over TCP: %d", status)
	}
}

// I9: none of a node's TCP addresses has an operator, whatever a request says.
func TestI9NoOperatorOverTCP(t *testing.T) {
	data := t.TempDir()
	n, _ := startNode(t, data, values{"trusted-proxies": "127.0.0.0/8"})
	sent := map[string]string{
		"Authorization": "Bearer operator", "Cookie": "klatch_session=operator", "Operator": "true", "X-Klatch-Operator": "true",
		"X-Forwarded-For": "@", "X-Real-Ip": filepath.Join(data, controlName), "Forwarded": `for="@"`, "Origin": "http://node",
	}
	for _, base := range []string{n.public.url(), n.ops.url()} {
		for _, path := range []string{"/api/v1/admin/users", "/api/v1/admin/stats", "/node", "//api/v1/admin/users", "/socket.io/../api/v1/admin/users"} {
			for name, value := range sent {
				if status := statusOf(t, base, path, name, value); status < 300 {
					t.Errorf("%s%s with %s: %d", base, path, name, status)
				}
			}
		}
	}
}

// statusOf sends a path as it is.
func statusOf(t *testing.T, base, path, name, value string) int {
	t.Helper()
	r, err := http.NewRequest("GET", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque, r.Host, r.Close = path, "node", true
	r.Header.Set(name, value)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// The socket is there before the API is: whoever comes in between is told to come again.
func TestSocketBeforeTheAPI(t *testing.T) {
	d := &desk{}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	c := &control{net: l, over: make(chan struct{}), release: func() {}}
	c.start(d.handler(), silent)
	defer func() { _ = c.stop() }()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", l.Addr().String())
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	resp, err := client.Get("http://node/api/v1/admin/users")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s", resp.Status)
	}
}
