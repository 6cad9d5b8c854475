package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
)

// The drain's patience: with clients that leave, and then with requests that
// run. With those of a cluster (membership.go) they stay below endPatience, past
// which run gives up.
const (
	leavePatience   = 2500 * time.Millisecond
	requestPatience = 2500 * time.Millisecond
	endPatience     = 10 * time.Second
)

// echo is how long the same wish may come as two signals: timeout(1), for one,
// signals its child and then the child's group.
const echo = time.Second

// node is one running klatch: its parts, in the order in which they were opened.
type node struct {
	log         *slog.Logger
	descriptors uint64 // that the process may have open
	public      *listener
	ops         *listener   // nil: none
	members     *membership // nil: no cluster
	forward     *forwarder  // to other members; nil: no cluster
	tunnels     *listener   // of what they forward; nil: no cluster
	desk        *desk       // what the control socket serves
	setup       string      // the invite of the first administrator; empty when there is one
	reload      *reloader

	hangups <-chan os.Signal // each has the configuration read again; nil: none come
	manager *manager         // of services; nil: none

	// drain stops readiness and tells clients to go; it returns when they have
	// gone or ctx ends.
	drain func(ctx context.Context)
	close []func() error // of the parts behind the listeners, in order of opening
}

// run serves until a signal or until a listener breaks, then closes the node.
// A second signal, or a drain past endPatience, ends it unclosed: what was
// acknowledged is on disk already.
func (n *node) run(signals <-chan os.Signal) error {
	n.manager.ready(n)
	cause := n.wait(signals)
	n.manager.stopping(n)
	done := make(chan error, 1)
	go func() { done <- n.shut() }()
	begun, end := time.Now(), time.After(endPatience)
	for {
		select {
		case err := <-done:
			return errors.Join(cause, err)
		case s := <-signals:
			if time.Since(begun) >= echo {
				return fmt.Errorf("stopped by a second signal (%s) before all clients had gone", s)
			}
		case <-end:
			return fmt.Errorf("could not close within %s; what was acknowledged is on disk", endPatience)
		}
	}
}

// wait returns nil at the first signal or when an operator has the node leave its
// cluster, or why a listener broke.
func (n *node) wait(signals <-chan os.Signal) error {
	var opsFailed chan error
	if n.ops != nil {
		opsFailed = n.ops.failed
	}
	var resigned chan struct{}
	if n.members != nil {
		resigned = n.members.resigned
	}
	for {
		select {
		case <-n.hangups:
			n.manager.reloading(n, n.reload.reload)
			continue
		case s := <-signals:
			n.log.Info("draining", "signal", s.String())
			return nil
		case <-resigned:
			n.log.Info("draining, to leave the cluster for good")
			return nil
		case err := <-n.public.failed:
			return err
		case err := <-opsFailed:
			return err
		}
	}
}

// shut closes everything in reverse order. Readiness ends first and the
// listeners stay while clients leave, so that a load balancer sees it.
func (n *node) shut() error {
	leave, cancel := context.WithTimeout(context.Background(), leavePatience)
	n.drain(leave)
	cancel()
	requests, cancel := context.WithTimeout(context.Background(), requestPatience)
	defer cancel()
	if n.forward != nil {
		n.forward.close(requests)
	}
	for _, l := range []*listener{n.public, n.ops, n.tunnels} {
		if l != nil {
			l.stop(requests)
		}
	}
	return n.closeParts()
}

func (n *node) closeParts() error {
	var errs []error
	for i := len(n.close) - 1; i >= 0; i-- {
		errs = append(errs, n.close[i]())
	}
	return errors.Join(errs...)
}

// greeting is what serve prints when the node is ready: a line an address,
// which begins with it.
func (n *node) greeting() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s web client, REST, WebSocket and Socket.IO\n", n.public.url())
	if n.ops != nil {
		fmt.Fprintf(&b, "%s metrics and profiles\n", n.ops.url())
	}
	if n.members != nil {
		fmt.Fprintf(&b, "%s gossip and links of the cluster\n", n.members.Addr())
	}
	if n.setup != "" {
		// After the #, where no server and no log sees it.
		fmt.Fprintf(&b, "%s/#invite=%s makes the first administrator, once\n", n.public.url(), n.setup)
	}
	return b.String()
}
