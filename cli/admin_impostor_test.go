package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
)

// runAgainst runs a command of klatch admin against something in the place of a node.
func runAgainst(t *testing.T, answer http.HandlerFunc, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	s := httptest.NewServer(answer)
	defer s.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var out, err strings.Builder
	args = append([]string{"klatch", "admin"}, args...)
	code = Main(append(args, "--url", s.URL, "--token", "hush"), &out, &err)
	return code, out.String(), err.String()
}

// hangUp ends the command as Ctrl-C does, and waits for it to go.
func hangUp(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice who goes
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	<-r.Context().Done()
}

func TestPurgeInterrupted(t *testing.T) {
	steps := 0
	code, _, stderr := runAgainst(t, func(w http.ResponseWriter, r *http.Request) {
		if steps++; steps == 3 {
			hangUp(r)
			return
		}
		fmt.Fprintf(w, `{"scanned":10,"deleted":4,"next":"c%d"}`, steps)
	}, "message", "purge", "--user", "mallory", "--yes")
	if code != 1 || stderr != "klatch: interrupted after 8 messages: the same command goes on from there\n" {
		t.Errorf("code %d: %s", code, stderr)
	}
}

// A node that gives a cursor twice must not keep a script for ever.
func TestPurgeEnds(t *testing.T) {
	steps := 0
	code, _, stderr := runAgainst(t, func(w http.ResponseWriter, _ *http.Request) {
		steps++
		fmt.Fprint(w, `{"scanned":10,"deleted":0,"next":"same"}`)
	}, "message", "purge", "--user", "mallory", "--yes")
	if code != 1 || steps != 2 || !strings.Contains(stderr, "again and again") {
		t.Errorf("code %d after %d steps: %s", code, steps, stderr)
	}
}

func TestWatchEndsWithCtrlC(t *testing.T) {
	looks := 0
	code, stdout, stderr := runAgainst(t, func(w http.ResponseWriter, r *http.Request) {
		if looks++; looks == 3 {
			hangUp(r)
			return
		}
		fmt.Fprint(w, `{"node":"n"}`)
	}, "stats", "--watch", "--interval", "100ms")
	if code != 0 || strings.Count(stdout, "\n") != 2 || stderr != "" {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

// The user is kept out before his content goes, and stays as long as there is
// content: else nobody could go on where an interrupted command stopped.
func TestDeletionWithContentInOrder(t *testing.T) {
	for name, test := range map[string]struct {
		broken string // what fails
		want   string
	}{
		"all is well":           {"", "GET show, PATCH show, POST purge c, POST purge, DELETE show"},
		"the purge fails":       {"POST purge", "GET show, PATCH show, POST purge c, POST purge"},
		"he cannot be disabled": {"PATCH show", "GET show, PATCH show"},
	} {
		var did []string
		_, _, stderr := runAgainst(t, func(w http.ResponseWriter, r *http.Request) {
			what := r.Method + " show"
			if strings.HasSuffix(r.URL.Path, "/purge") {
				what = r.Method + " purge"
				if len(did) == 2 {
					what += " c"
				}
			}
			did = append(did, what)
			switch {
			case what == test.broken:
				refuseWith(w, 409, "conflict")
			case what == "POST purge c":
				fmt.Fprint(w, `{"scanned":1,"deleted":1,"next":"c"}`)
			case what == "POST purge":
				fmt.Fprint(w, `{"scanned":1,"deleted":1,"next":null}`)
			default:
				fmt.Fprint(w, `{"id":"01K3ZQ3V9XPT7Q2S7ZQX5M8F4D","username":"mallory"}`)
			}
		}, "user", "delete", "mallory", "--content", "--yes")
		if got := strings.Join(did, ", "); got != test.want || (stderr == "") != (test.broken == "") {
			t.Errorf("%s: %s\nwant %s\n%s", name, got, test.want, stderr)
		}
	}
}
