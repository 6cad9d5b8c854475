package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCheckScripts has a node's store checked, damaged, rebuilt and compacted, as people do. Beside the
// commands of TestScripts there are:
//
//	fill URL N               registers a user who makes a room and posts N messages there
//	flip DIRECTORY PERCENT   turns a bit of the largest table of a store, so far into the file
func TestCheckScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/check",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "node": cmdNode, "signal": cmdSignal, "fill": cmdFill, "flip": cmdFlip,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[nodesKey{}] = map[string]*runningNode{}
			return nil
		},
	})
}

func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fill URL N")
	}
	var n int
	_, err := fmt.Sscan(args[1], &n)
	ts.Check(err)
	var me struct{ Token string }
	ts.Check(fillPost(args[0]+"/api/v1/register", "", `{"username":"ann","password":"a long enough password"}`, &me))
	ts.Check(fillPost(args[0]+"/api/v1/rooms", me.Token, `{"name":"lobby"}`, nil))
	for i := range n {
		body := fmt.Sprintf(`{"body":"%d %s","nonce":"n%d"}`, i, strings.Repeat(fmt.Sprint(i*7919), 200), i)
		ts.Check(fillPost(args[0]+"/api/v1/rooms/lobby/messages", me.Token, body, nil))
	}
}

func fillPost(url, token, body string, out any) error {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func cmdFlip(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: flip DIRECTORY PERCENT")
	}
	var percent int
	_, err := fmt.Sscan(args[1], &percent)
	ts.Check(err)
	names, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.sst"))
	ts.Check(err)
	var path string
	var content []byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		ts.Check(err)
		if len(b) > len(content) {
			path, content = name, b
		}
	}
	if path == "" {
		ts.Fatalf("there are no tables in %s", args[0])
	}
	content = bytes.Clone(content)
	content[len(content)*percent/100] ^= 0x10
	ts.Check(os.WriteFile(path, content, 0o600))
	ts.Setenv("flipped", filepath.Base(path))
}
