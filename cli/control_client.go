package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	resp, err := o.open(context.Background(), method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return nil
}

// open asks, and returns the answer that its caller reads to the end, or the node's no as an error.
func (o *operator) open(ctx context.Context, method, path string, in any) (*http.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://node"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := o.http.Do(r)
	if err != nil {
		return nil, o.unreached(err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var no refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxRefusal)).Decode(&no); err != nil || no.Detail == "" {
		return nil, fmt.Errorf("the node in %s answers %s to %s: is it of another version?", o.data, resp.Status, path)
	}
	return nil, errors.New(no.Detail)
}

// maxRefusal bounds what is read of one.
const maxRefusal = 64 << 10

// runs tells whether a node answers in the data directory.
func (o *operator) runs(ctx context.Context) (bool, error) {
	conn, err := o.dial(ctx, "", "")
	if err == nil {
		return true, conn.Close()
	}
	info, missing := os.Stat(o.data)
	if missing == nil && info.IsDir() && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)) {
		return false, nil
	}
	return false, o.unreached(err)
}

// unreached says why nobody answered, in words that help.
func (o *operator) unreached(err error) error {
	_, missing := os.Stat(o.data)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("not allowed to speak with the node in %s: be the user that it runs as, or root", o.data)
	case errors.Is(missing, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s: name the node's own with --data", o.data)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("no node runs in %s: start one, or name another directory with --data", o.data)
	}
	return fmt.Errorf("speak with the node in %s: %w", o.data, err)
}
