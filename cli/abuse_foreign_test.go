package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// TestForeignSessions: in a cluster of two whole nodes a session answers by both,
// who guesses one finds nothing on either, no request goes round between them,
// and a revoked token lets nobody in.
func TestForeignSessions(t *testing.T) {
	a, _ := startNode(t, t.TempDir(), values{"cluster-addr": "127.0.0.1:0"})
	b, _ := startNode(t, t.TempDir(), values{"join": a.members.Addr()})
	meet(t, a, b)
	meet(t, b, a)
	ada, _ := register(t, a, "ada", "")
	p := dialPolled(t, a, `{"token":"`+ada.Token+`"}`)
	_, sid, _ := strings.Cut(p.url, "&sid=")
	owner, random, _ := strings.Cut(sid, ".")
	(&polled{t, b.public.url() + pollingPath + "&sid=" + sid}).until(`42["ready"`)
	other := b.members.Node()
	for _, n := range []*node{a, b} {
		for _, guess := range []string{
			owner + "." + random[1:] + "A", other + "." + random, other + "." + owner + "." + random, owner + "." + other + "." + random,
			"ffffffffffffffff." + random, "nowhere." + random, owner + "." + sid, random,
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				var said string
				if status := call(t, method, n.public.url()+pollingPath+"&sid="+guess, "", nil, &said); status != http.StatusBadRequest || said != sessionUnknown {
					t.Errorf("%s %s: %d %s", method, guess, status, said)
				}
			}
		}
	}
	if status := call(t, "POST", a.public.url()+"/api/v1/logout", ada.Token, nil, nil); status != http.StatusNoContent {
		t.Fatalf("logout answers %d", status)
	}
	if all := dialPolled(t, a, `{"token":"`+ada.Token+`"}`).until(`44`); !strings.Contains(all, `"unauthorized"`) || strings.Contains(all, "ready") {
		t.Errorf("a revoked token got %s", all)
	}
}

// meet waits until a node reaches another.
func meet(t *testing.T, n, other *node) {
	t.Helper()
	origin, err := engine.ParseOrigin(other.members.Node())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the other reached", func() bool { return n.members.Reaches(origin) })
}
