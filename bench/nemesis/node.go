package nemesis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// node is one klatch and what is done to it. Only one goroutine may start and
// end it; the others may ask.
type node struct {
	// Static.
	index   int
	network Network
	site    Site
	binary  string
	dir     string // of everything that is the node's
	args    []string
	env     []string
	http    *http.Client // that reaches it, whatever it is asked for

	mu      sync.Mutex
	cmd     *exec.Cmd     // nil: it does not run
	exited  chan struct{} // closes when cmd has ended
	exit    error
	leaving bool // it is to be ended: nobody should call it any more
}

// Patience with a node.
const (
	startPatience = 60 * time.Second
	stopPatience  = 20 * time.Second
	requestLimit  = 5 * time.Second
	pollEvery     = 50 * time.Millisecond
)

func newNode(i int, network Network, binary, dir string, args, env []string) (*node, error) {
	n := &node{
		index: i, network: network, site: network.Site(i), binary: binary,
		dir: filepath.Join(dir, fmt.Sprintf("node%d", i)), args: args, env: env,
	}
	n.http = &http.Client{Timeout: requestLimit, Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return n.dial(ctx) },
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     10 * time.Second,
	}}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, err
	}
	return n, Disturbance{}.write(n.control())
}

func (n *node) data() string    { return filepath.Join(n.dir, "data") }
func (n *node) control() string { return filepath.Join(n.dir, "nemesis.json") }
func (n *node) logFile() string { return filepath.Join(n.dir, "log") }

func (n *node) dial(ctx context.Context) (net.Conn, error) {
	if !n.running() {
		return nil, errNotRunning
	}
	return n.network.Dial(ctx, n.index, n.site.Public)
}

var errNotRunning = errors.New("the node does not run")

// running reports whether clients should try the node: it has a process, be it stopped.
func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil && !n.leaving
}

// alive reports whether there is a process, whatever becomes of it.
func (n *node) alive() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

// start runs klatch and returns once it is ready for traffic.
func (n *node) start(ctx context.Context) error {
	if err := n.launch(); err != nil {
		return fmt.Errorf("start node %d: %w", n.index, err)
	}
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("node %d does not become ready: %w\n%s", n.index, err, n.logTail())
	}
	return nil
}

func (n *node) launch() error {
	log, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	fmt.Fprintf(log, "=== start %s\n", time.Now().Format(time.RFC3339Nano))
	args := append([]string{"serve", "--addr", n.site.Public, "--ops-addr", n.site.Ops, "--data", n.data()}, n.args...)
	cmd := exec.Command(n.binary, args...)
	cmd.Env = append(environ(), append(n.env, "KLATCH_NEMESIS="+n.control())...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := n.network.Start(n.index, cmd); err != nil {
		return err
	}
	exited := make(chan struct{})
	n.mu.Lock()
	n.cmd, n.exited, n.leaving = cmd, exited, false
	n.mu.Unlock()
	go func() {
		err := cmd.Wait()
		n.mu.Lock()
		n.cmd, n.exit = nil, err
		n.mu.Unlock()
		close(exited)
	}()
	return nil
}

// environ is ours without klatch's own settings: they are for another server.
func environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "KLATCH_") {
			env = append(env, v)
		}
	}
	return env
}

// awaitReady waits until the node answers /readyz, or has ended.
func (n *node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	n.mu.Lock()
	exited := n.exited
	n.mu.Unlock()
	return poll(ctx, pollEvery, func() error {
		select {
		case <-exited:
			return final{fmt.Errorf("it ended: %w", errors.Join(n.exit, errors.New("see its log")))}
		default:
			return n.ready(ctx)
		}
	})
}

func (n *node) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.site.Public+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := n.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz says %s", resp.Status)
	}
	return nil
}

// signal sends a signal to a node that runs.
func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return errNotRunning
	}
	return n.cmd.Process.Signal(s)
}

// kill ends the node with SIGKILL, also when it is stopped.
func (n *node) kill() error { return n.end(syscall.SIGKILL) }

// drain ends it with SIGTERM and reports whether it ended well and in time.
func (n *node) drain() error {
	if err := n.end(syscall.SIGTERM); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.exit != nil {
		return fmt.Errorf("node %d ended with %w after SIGTERM", n.index, n.exit)
	}
	return nil
}

func (n *node) end(s syscall.Signal) error {
	n.mu.Lock()
	exited := n.exited
	n.leaving = s == syscall.SIGKILL
	n.mu.Unlock()
	if err := n.signal(s); err != nil {
		return err
	}
	select {
	case <-exited:
		n.http.CloseIdleConnections()
		return nil
	case <-time.After(stopPatience):
		return errors.Join(fmt.Errorf("node %d has not ended %s after %s", n.index, stopPatience, s), n.signal(syscall.SIGKILL))
	}
}

// ended waits until a node that goes by itself has gone.
func (n *node) ended(ctx context.Context) error {
	n.mu.Lock()
	exited := n.exited
	n.mu.Unlock()
	select {
	case <-exited:
		n.http.CloseIdleConnections()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("node %d does not end: %w", n.index, ctx.Err())
	}
}

// wipe takes the node's disk away. It must not run.
func (n *node) wipe() error { return os.RemoveAll(n.data()) }

// command runs another command of klatch where the node lives, and returns what it prints.
func (n *node) command(ctx context.Context, args ...string) ([]byte, error) {
	var out, problems bytes.Buffer
	cmd := exec.Command(n.binary, append(args, "--data", n.data())...)
	cmd.Env = append(environ(), n.env...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := n.network.Start(n.index, cmd); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("klatch %s: %w: %s", strings.Join(args, " "), err, problems.Bytes())
	}
	return out.Bytes(), nil
}

// logTail is the end of the node's log, for errors.
func (n *node) logTail() string {
	b, err := os.ReadFile(n.logFile())
	if err != nil {
		return err.Error()
	}
	const most = 4 << 10
	return string(b[max(0, len(b)-most):])
}
