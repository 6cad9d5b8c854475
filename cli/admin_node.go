package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// adminNode is the node that klatch admin asks: the one whose control socket it
// may open, or one that is reached by its URL with a token. Both answer the same
// API. It is used by one goroutine.
type adminNode struct {
	where string // for errors
	base  string // of the API
	token string // "" for the control socket
	local *operator
	http  *http.Client
	after string // the position of the last write: another node of the cluster may answer next
}

const (
	apiPath = "/api/v1"
	// changePatience is how long an answer may take: a write waits for other nodes, a list for the disk.
	changePatience = time.Minute
	// maxAnswer bounds what is read of one.
	maxAnswer = 64 << 20
	// maxTries bounds how often a request is sent that the node asks to send again.
	maxTries = 8
)

// nodeOf is the node that a command line names.
func nodeOf(c *cli.Context) (*adminNode, error) {
	if c.String("url") == "" {
		return socketNode(c.String("data"), changePatience), nil
	}
	u, err := url.Parse(c.String("url"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usageErrorf(c, "--url: %q is no address of a node: write https://HOST or http://HOST:PORT", c.String("url"))
	}
	token := c.String("token")
	if token == "" {
		return nil, usageErrorf(c, "--url needs the token of an administrator: set KLATCH_TOKEN")
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		fmt.Fprintf(c.App.ErrWriter, "klatch: the token goes to %s in clear text: use https\n", printable(u.Host))
	}
	return &adminNode{where: "at " + u.Redacted(), base: strings.TrimRight(u.String(), "/") + apiPath, token: token, http: remoteClient()}, nil
}

// socketNode is the node that runs in a data directory.
func socketNode(data string, patience time.Duration) *adminNode {
	o := newOperator(data, patience)
	return &adminNode{where: "in " + data, base: "http://node" + apiPath, local: o, http: &o.http}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// remoteClient follows no redirect: what was asked would be asked of somebody
// else, and without its body.
func remoteClient() *http.Client {
	return &http.Client{
		Timeout:       changePatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call asks, and asks again as long as the node says that it has done nothing
// yet and when to come back.
func (n *adminNode) call(ctx context.Context, method string, t target, in any) ([]byte, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		answer, err := n.once(ctx, method, t, body)
		var no *adminRefusal
		if !errors.As(err, &no) || !no.passing() || try == maxTries {
			return answer, err
		}
		if err := pause(ctx, no.retryAfter); err != nil {
			return nil, err
		}
	}
}

func (n *adminNode) once(ctx context.Context, method string, t target, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, n.base+t.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	n.sign(r, body)
	resp, err := n.http.Do(r)
	if err != nil {
		return nil, n.unreached(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, n.unreached(err)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("the node %s answers with more than %d bytes", n.where, maxAnswer)
	case resp.StatusCode >= 300:
		return nil, n.refusal(resp, answer, t)
	}
	if at := resp.Header.Get("Klatch-Position"); at != "" {
		n.after = at
	}
	return bytes.TrimSpace(answer), nil
}

func (n *adminNode) sign(r *http.Request, body []byte) {
	r.Header.Set("User-Agent", "klatch admin "+currentVersion().Version)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if n.token != "" {
		r.Header.Set("Authorization", "Bearer "+n.token)
	}
	if n.after != "" {
		r.Header.Set("Klatch-After", n.after)
	}
}

// unreached says why nobody answered. A token never stands in the error: it is in a header.
func (n *adminNode) unreached(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case n.local != nil:
		return n.local.unreached(err)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("cannot speak with the node %s: %s", n.where, printable(err.Error()))
}

// pause waits until it is time to ask again.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// longestPause bounds how long a node may have us wait.
const longestPause = 10 * time.Second

// retryAfter reads the field in seconds (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 1 {
		s = 1
	}
	return min(time.Duration(s)*time.Second, longestPause)
}
