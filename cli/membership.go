package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
)

// How long an ending node tries to have a peer take what it lacks, and then to
// tell the others that it goes.
const (
	flushPatience   = 2 * time.Second
	goodbyePatience = 2 * time.Second
)

// membership is a node's place in its cluster, from the day it is bound to the
// moment the others know that it goes.
type membership struct {
	*cluster.Cluster
	log *slog.Logger

	joined   chan struct{} // closed when it has begun
	resigned chan struct{} // closed when an operator has the node leave for good
	resign   func()        // closes it, once
	gone     chan struct{} // closed when it has left
	outcome  error         // of leaving for good; read after gone
}

func openMembership(c Config, store engine.Store, public string, tunnels int, log *slog.Logger) (*membership, error) {
	member, err := cluster.New(cluster.Config{
		Store: store, Logger: log, Now: Clock,
		Bind: c.ClusterAddr, Advertise: c.ClusterAdvertise, Join: c.Join, Key: c.ClusterKey,
		Concern: c.WriteConcern, Version: currentVersion().Version, Public: public, Tunnels: tunnels,
	})
	if err != nil {
		return nil, err
	}
	m := &membership{Cluster: member, log: log, joined: make(chan struct{}), resigned: make(chan struct{}), gone: make(chan struct{})}
	m.resign = sync.OnceFunc(func() { close(m.resigned) })
	return m, nil
}

// join begins to be one of the cluster; it is done when the node knows how far its
// peers are, or after some seconds alone. Only then is it asked for its members.
func (m *membership) join(ctx context.Context, e *engine.Engine) error {
	if err := m.Start(ctx, e); err != nil {
		return err
	}
	close(m.joined)
	return nil
}

func (m *membership) hasJoined() bool { return isClosed(m.joined) }

// leaveForGood ends the node and has the others forget it, once a peer has all
// that only this node had. It returns when the node has left.
func (m *membership) leaveForGood(ctx context.Context) error {
	if !slices.ContainsFunc(m.Members(), func(o cluster.Member) bool { return o.State == cluster.StateAlive }) {
		return errNobodyElse
	}
	if err := m.Flush(ctx); err != nil {
		return err
	}
	m.resign()
	select {
	case <-m.gone:
		return m.outcome
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errNobodyElse = errors.New("no other member is linked that could take what this node has; to stop it for a while, send it SIGTERM")

// hasResigned reports whether the node leaves for good.
func (m *membership) hasResigned() bool { return isClosed(m.resigned) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// end hands over, says goodbye and closes. What fails on the way is logged: the
// node ends whatever its peers do.
func (m *membership) end() error {
	flushed := within(flushPatience, m.Flush)
	if flushed != nil {
		m.log.Warn("no peer has all of this node's events yet: they wait on its disk until it is started again", "err", flushed)
	}
	var forgotten error
	if m.hasResigned() {
		forgotten = m.Forget(m.Node())
	}
	left := within(goodbyePatience, m.Leave)
	if left != nil {
		m.log.Warn("could not tell the other nodes that this one goes", "err", left)
	}
	m.outcome = errors.Join(flushed, forgotten, left)
	close(m.gone)
	return m.Close()
}

func within(d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return do(ctx)
}
