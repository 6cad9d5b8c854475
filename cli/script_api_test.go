package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are those that scripts have beside TestScripts' own:
//
//	signin NODE USER PASSWORD       signs in at a node and sets $USER_token
//	ask NODE USER METHOD PATH BODY  sends a request as a user who has signed in; the answer is in answer, and its id in $id
//	readme HEADING                  runs the commands that README shows first under a heading, as they stand
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"signin": cmdSignin, "ask": cmdAsk, "readme": cmdReadme,
}

func cmdSignin(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: signin NODE USER PASSWORD")
	}
	body, err := json.Marshal(map[string]string{"username": args[1], "password": args[2]})
	ts.Check(err)
	var answer struct {
		Token string `json:"token"`
	}
	ts.Check(json.Unmarshal(scriptRequest(ts, args[0], "", "POST", "/login", string(body)), &answer))
	ts.Setenv(args[1]+"_token", answer.Token)
}

func cmdAsk(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 5 {
		ts.Fatalf("usage: ask NODE USER METHOD PATH BODY")
	}
	answer := scriptRequest(ts, args[0], ts.Getenv(args[1]+"_token"), args[2], args[3], args[4])
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
	var named struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &named) == nil && named.ID != "" {
		ts.Setenv("id", named.ID)
	}
}

func scriptRequest(ts *testscript.TestScript, node, token, method, path, body string) []byte {
	r, err := http.NewRequest(method, ts.Getenv(node)+apiPath+path, strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode >= 300 {
		ts.Fatalf("%s %s answers %s: %s", method, path, resp.Status, bytes.TrimSpace(answer))
	}
	return answer
}
