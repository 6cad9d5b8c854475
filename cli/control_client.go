package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// dataFlag names the node that a command speaks with.
func dataFlag() cli.Flag {
	return &cli.StringFlag{Name: "data", Usage: "`DIR` of the node's data", Value: "./klatch-data", EnvVars: []string{envName("data")}}
}

// operator speaks with the node that runs in a data directory.
type operator struct {
	data string
	http http.Client
}

// answerPatience is how long an answer may take that needs no waiting.
const answerPatience = 10 * time.Second

func newOperator(data string, patience time.Duration) *operator {
	o := &operator{data: data}
	o.http = http.Client{Timeout: patience, Transport: &http.Transport{DialContext: o.dial, DisableKeepAlives: true}}
	return o
}

func (o *operator) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	path, release, err := socketPath(o.data)
	if err != nil {
		return nil, err
	}
	defer release()
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// get asks for something.
func (o *operator) get(path string, out any) error { return o.call(http.MethodGet, path, nil, out) }

// post has something done.
func (o *operator) post(path string, in, out any) error {
	return o.call(http.MethodPost, path, in, out)
}

func (o *operator) call(method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(method, "http://node"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := o.http.Do(r)
	if err != nil {
		return o.unreached(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var no refusal
		if err := json.NewDecoder(resp.Body).Decode(&no); err != nil || no.Detail == "" {
			return fmt.Errorf("the node in %s answers %s to %s", o.data, resp.Status, path)
		}
		return errors.New(no.Detail)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return nil
}

// unreached says why nobody answered, in words that help.
func (o *operator) unreached(err error) error {
	_, missing := os.Stat(o.data)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("not allowed to speak with the node in %s: be the user that it runs as, or root", o.data)
	case errors.Is(missing, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s: name the node's own with --data", o.data)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("no node runs in %s: start one, or name another directory with --data", o.data)
	}
	return fmt.Errorf("speak with the node in %s: %w", o.data, err)
}
