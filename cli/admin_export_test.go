package cli

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/storage/portable"
)

// klatch runs a command line in this process.
func klatch(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(append([]string{"klatch"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func mustKlatch(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := klatch(args...)
	if code != exitDone {
		t.Fatalf("klatch %s ends with %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// teaRoom has a message that stays, one that is edited and one that is deleted.
func teaRoom(t *testing.T, n *node) {
	t.Helper()
	ada, status := register(t, n, "ada", n.setup)
	if status != http.StatusCreated {
		t.Fatalf("registering answers %d", status)
	}
	room := n.public.url() + "/api/v1/rooms"
	want := func(method, url string, body any, answer any, status int) {
		t.Helper()
		if got := call(t, method, url, ada.Token, body, answer); got != status {
			t.Fatalf("%s %s answers %d", method, url, got)
		}
	}
	var edited, deleted struct{ ID string }
	want("POST", room, map[string]string{"name": "tea"}, nil, 201)
	room += "/tea/messages"
	want("POST", room, map[string]string{"body": "it stays"}, nil, 201)
	want("POST", room, map[string]string{"body": "before the edit"}, &edited, 201)
	want("PATCH", room+"/"+edited.ID, map[string]string{"body": "after the edit"}, nil, 200)
	want("POST", room, map[string]string{"body": "to be deleted"}, &deleted, 201)
	var gone string
	want("DELETE", room+"/"+deleted.ID, nil, &gone, 204)
}

func pageOfTea(t *testing.T, n *node, token string) (page string) {
	t.Helper()
	if status := call(t, "GET", n.public.url()+"/api/v1/rooms/tea/messages", token, nil, &page); status != http.StatusOK {
		t.Fatalf("reading answers %d: %s", status, page)
	}
	return page
}

func login(t *testing.T, n *node) (a account, status int) {
	t.Helper()
	status = call(t, "POST", n.public.url()+"/api/v1/login", "", map[string]string{"username": "ada", "password": "correct horse ada"}, &a)
	return a, status
}

// What a running node exports makes a node that answers alike. I9: without --secrets nobody can
// sign in there with a password of here, and no hash or body that was taken back is in the file.
func TestExportOfARunningNode(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	n, stop := startNode(t, data, nil)
	teaRoom(t, n)
	ada, _ := login(t, n)
	want := pageOfTea(t, n, ada.Token)
	shown, secret := filepath.Join(dir, "shown"), filepath.Join(dir, "secret")
	mustKlatch(t, "admin", "export", "--data", data, shown)
	mustKlatch(t, "admin", "export", "--data", data, "--secrets", secret)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(shown)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"argon2id", "before the edit", "to be deleted", "correct horse"} {
		if strings.Contains(string(text), gone) {
			t.Errorf("I9: %q is in the file", gone)
		}
	}
	for file, status := range map[string]int{shown: http.StatusUnauthorized, secret: http.StatusOK} {
		again := filepath.Join(t.TempDir(), "again")
		mustKlatch(t, "admin", "import", "--data", again, file)
		n, stop := startNode(t, again, nil)
		if n.setup != "" {
			t.Errorf("%s: there is an administrator, and a link to make one", file)
		}
		a, got := login(t, n)
		if got != status {
			t.Errorf("I9: %s: signing in answers %d, not %d", file, got, status)
		}
		if got == http.StatusOK {
			if page := pageOfTea(t, n, a.Token); page != want {
				t.Errorf("the page is\n%s\nand was\n%s", page, want)
			}
		}
		if page := pageOfTea(t, n, ada.Token); page != want {
			t.Errorf("with a token of the old node the page is\n%s\nand was\n%s", page, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// I6: an operator who does not read his export keeps no node from ending; what he has then is a
// cut file, and says so.
func TestExportNobodyReads(t *testing.T) {
	data := t.TempDir()
	n, stop := startNode(t, data, values{"rate-limit": "off"})
	teaRoom(t, n)
	ada, _ := login(t, n)
	body := strings.Repeat("x", 16_000)
	for range 150 {
		if status := call(t, "POST", n.public.url()+"/api/v1/rooms/tea/messages", ada.Token, map[string]string{"body": body}, nil); status != http.StatusCreated {
			t.Fatalf("posting answers %d", status)
		}
	}
	resp, err := (&newOperator(data, time.Minute).http).Get("http://node/export")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	relay := portable.NewRelay()
	if _, err := io.Copy(relay, resp.Body); err == nil {
		if _, err := relay.Close(); err == nil {
			t.Error("the export is whole")
		}
	}
}
