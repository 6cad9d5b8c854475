package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

func from(remote string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = remote
	return r
}

// TestAdmission attacks I6: neither the node nor an address has more connections than it may.
func TestAdmission(t *testing.T) {
	a := newAdmission(Config{MaxConnections: 4, MaxAddressConnections: 2})
	enter := func(remote string, want engine.Code) func() {
		t.Helper()
		release, refusal := a.admit(from(remote))
		switch {
		case want == "" && refusal != nil:
			t.Fatalf("%s: refused: %v", remote, refusal)
		case want != "" && (refusal == nil || refusal.Code != want || refusal.RetryAfter <= 0):
			t.Fatalf("%s: %v, want %s and when to come back", remote, refusal, want)
		}
		return release
	}
	one := enter("192.0.2.1:1", "")
	enter("192.0.2.1:2", "")
	enter("192.0.2.1:3", engine.CodeRateLimited)
	enter("[2001:db8:1:1::1]:1", "")
	two := enter("[2001:db8:1:1::2]:1", "")
	enter("[2001:db8:1:2::1]:1", engine.CodeUnavailable)
	one()
	one() // counts once
	enter("[2001:db8:1:1::3]:1", engine.CodeRateLimited)
	enter("[::ffff:192.0.2.1]:1", "")
	enter("192.0.2.9:1", engine.CodeUnavailable)
	two()
	enter("192.0.2.9:1", "")
	if a.count() != 4 || a.moves() != 6+2 {
		t.Errorf("%d are here after %d comings and goings", a.count(), a.moves())
	}
}

// TestAdmissionLimitLater: who came before there was a limit counts in it.
func TestAdmissionLimitLater(t *testing.T) {
	a := newAdmission(Config{MaxConnections: 9})
	var releases []func()
	for range 3 {
		release, refusal := a.admit(from("192.0.2.1:1"))
		if refusal != nil {
			t.Fatal(refusal)
		}
		releases = append(releases, release)
	}
	a.setMostPerAddress(2)
	for i, release := range releases {
		if _, refusal := a.admit(from("192.0.2.1:9")); (refusal == nil) != (i == 2) {
			t.Errorf("with %d open: %v", 3-i, refusal)
		}
		release()
	}
	if a.open != 1 || len(a.addresses) != 1 {
		t.Errorf("%d open, %d addresses", a.open, len(a.addresses))
	}
}
