package nemesis

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// request is one call of the REST API.
type request struct {
	method, path string // below /api/v1
	token        string
	after        string // Klatch-After
	body         any
}

// answer is what came back; status 0 where nothing did.
type answer struct {
	status     int
	code       string // of a problem
	position   string // Klatch-Position
	durability string // Klatch-Durability
	body       []byte
}

const maxAnswer = 16 << 20

// call sends a request to a node. The error is nil whenever there is an answer, whatever it says.
func (n *node) call(ctx context.Context, r request) (a answer, err error) {
	req, err := n.httpRequest(ctx, r)
	if err != nil {
		return a, err
	}
	resp, err := n.http.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return answer{}, err
	}
	a.status = resp.StatusCode
	a.position, a.durability = resp.Header.Get("Klatch-Position"), resp.Header.Get("Klatch-Durability")
	if a.status >= 300 {
		a.code = problemCode(a)
	}
	return a, nil
}

func (n *node) httpRequest(ctx context.Context, r request) (*http.Request, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+n.site.Public+"/api/v1"+r.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// A request is sent once: the transport would repeat some that have failed,
	// and those of a history are attempts that it knows of.
	req.GetBody = nil
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.after != "" {
		req.Header.Set("Klatch-After", r.after)
	}
	return req, nil
}

func problemCode(a answer) string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.body, &p) != nil || p.Code == "" {
		return fmt.Sprintf("http_%d", a.status)
	}
	return p.Code
}

// must is call for what has to succeed: it reads the answer into out.
func (n *node) must(ctx context.Context, r request, out any) (answer, error) {
	a, err := n.call(ctx, r)
	if err != nil {
		return a, err
	}
	if a.status >= 300 {
		return a, fmt.Errorf("%s %s on node %d: %d %s", r.method, r.path, n.index, a.status, a.body)
	}
	if out == nil {
		return a, nil
	}
	return a, json.Unmarshal(a.body, out)
}
