package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine/client"
)

// TestJWTApp runs the example of docs/examples/jwt-app as its page tells it: its
// users talk in klatch, by keys that the app publishes, and rotates.
func TestJWTApp(t *testing.T) {
	app := startApp(t)
	n := &groupNode{t: t, binary: buildKlatch(t), data: filepath.Join(t.TempDir(), "data"), addr: freeAddress(t), ops: "off",
		args: []string{"--memory", "32MiB", "--registration", "closed", "--auth-jwks", app + "/jwks.json", "--auth-issuer", app, "--auth-audience", "chat"}}
	n.start()
	t.Cleanup(n.end)

	ada := client.REST{URL: n.url(), Token: appToken(t, app, "ada"), HTTP: oneShot}
	if _, err := post(ada, "lobby", posting{Body: "hello"}); err != nil {
		t.Fatal(err)
	}
	appCall(t, app+"/rotate", nil, http.StatusOK, nil)
	bob := client.REST{URL: n.url(), Token: appToken(t, app, "bob"), HTTP: oneShot}
	await(t, "the new key", func() bool { // within ten seconds of the first fetch
		_, err := post(bob, "lobby", posting{Body: "hello, ada", Nonce: "one"})
		return err == nil
	})
	if got, err := bodies(ada, "lobby"); err != nil || strings.Join(got, "; ") != "hello; hello, ada" {
		t.Errorf("the room holds %q, %v", got, err)
	}
	var me client.User
	if err := ada.Do(context.Background(), http.MethodGet, "/me", nil, &me); err != nil || me.Username != "ada" || me.DisplayName != "Ada L." {
		t.Errorf("ada is %+v, %v", me, err)
	}
	if _, err := post(bob, "maths", posting{Body: "where I am not"}); err == nil {
		t.Error("bob posts in a room that his token does not name")
	}
	for _, wrong := range []map[string]string{{"username": "ada", "password": "wrong"}, {"username": "eve", "password": "nobody"}} {
		appCall(t, app+"/login", wrong, http.StatusUnauthorized, nil)
	}
}

// startApp runs the example and returns where it is.
func startApp(t *testing.T) (url string) {
	t.Helper()
	var log said
	cmd := exec.Command("node", filepath.Join("..", "docs", "examples", "jwt-app", "app.mjs"), "0")
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text := log.String(); text != "" {
			t.Errorf("the app says:\n%s", text)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the app says nothing: %v\n%s", err, &log)
	}
	return strings.TrimSpace(line)
}

func appToken(t *testing.T, app, user string) string {
	t.Helper()
	var answer struct{ Token string }
	appCall(t, app+"/login", map[string]string{"username": user, "password": "correct horse " + user}, http.StatusOK, &answer)
	return answer.Token
}

func appCall(t *testing.T, url string, body any, status int, answer any) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := oneShot.Post(url, "application/json", strings.NewReader(string(sent)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		t.Errorf("%s answers %s, want %d", url, resp.Status, status)
	}
	if answer != nil {
		if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
			t.Error(err)
		}
	}
}
