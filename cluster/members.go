package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/klatch-chat/klatch/engine"
)

const (
	rejoinEvery  = 3 * time.Second
	leaveTimeout = 2 * time.Second
	// Between two attempts to dial a member.
	redialLeast, redialMost = 100 * time.Millisecond, 2 * time.Second
)

// meta is what gossip carries of a node besides its name and address, in at most memberlist.MetaMaxSize bytes.
type meta struct {
	Version string `cbor:"1,keyasint"`
	Public  string `cbor:"2,keyasint"`
}

// boot is one run of a node: the milliseconds of its start. A node's name in
// gossip is its origin and its boot, so that one which comes back at once, maybe with
// another address, is not taken for an impostor of the run that has just died.
type boot uint64

func memberName(o engine.Origin, b boot) string { return fmt.Sprintf("%s.%x", o, uint64(b)) }

func parseName(name string) (engine.Origin, boot, error) {
	origin, run, _ := strings.Cut(name, ".")
	o, err := engine.ParseOrigin(origin)
	if err != nil {
		return 0, 0, err
	}
	b, err := strconv.ParseUint(run, 16, 64)
	return o, boot(b), err
}

// member is a run of a node that memberlist holds for alive.
type member struct {
	origin  engine.Origin
	boot    boot
	address string
	meta    meta
	since   time.Time
	gone    chan struct{} // closed when memberlist says that it left or died
}

// gossip makes memberlist's configuration. A dead node is known as such some 4 to 6
// seconds after its last sign of life; a link that breaks is noticed at once.
func (c *Cluster) gossip() *memberlist.Config {
	m := memberlist.DefaultLANConfig()
	m.Name = memberName(c.origin, c.boot)
	m.Delegate, m.Events = (*gossiped)(c), (*gossiped)(c)
	m.TCPTimeout = 5 * time.Second
	m.PushPullInterval = 10 * time.Second
	m.SuspicionMaxTimeoutMult = 2
	m.AwarenessMaxMultiplier = 3
	c.transport.configure(m)
	return m
}

// gossiped is the cluster as memberlist sees it. memberlist calls it with locks
// held: nothing here waits, or calls memberlist.
type gossiped Cluster

var (
	_ memberlist.Delegate      = (*gossiped)(nil)
	_ memberlist.EventDelegate = (*gossiped)(nil)
)

// NodeMeta implements memberlist.Delegate.
func (g *gossiped) NodeMeta(limit int) []byte {
	b := encodeFrame(0, meta{g.cfg.Version, g.cfg.Public})[1:]
	if len(b) > limit {
		return nil
	}
	return b
}

// NotifyMsg implements memberlist.Delegate.
func (g *gossiped) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate.
func (g *gossiped) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (g *gossiped) LocalState(bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate.
func (g *gossiped) MergeRemoteState([]byte, bool) {}

// NotifyJoin implements memberlist.EventDelegate.
func (g *gossiped) NotifyJoin(n *memberlist.Node) { (*Cluster)(g).joined(n) }

// NotifyLeave implements memberlist.EventDelegate.
func (g *gossiped) NotifyLeave(n *memberlist.Node) { (*Cluster)(g).left(n) }

// NotifyUpdate implements memberlist.EventDelegate.
func (g *gossiped) NotifyUpdate(n *memberlist.Node) { (*Cluster)(g).joined(n) }

func (c *Cluster) joined(n *memberlist.Node) {
	o, b, err := parseName(n.Name)
	if err != nil || n.Name == memberName(c.origin, c.boot) {
		return
	}
	m := &member{origin: o, boot: b, address: n.Address(), since: time.Now(), gone: make(chan struct{})}
	_ = decodeFrame(n.Meta, &m.meta) // shown, and no more
	c.mu.Lock()
	old := c.runs[n.Name]
	c.runs[n.Name] = m
	delete(c.parted, o)
	changed := c.chooseRunLocked(o)
	c.mu.Unlock()
	if old != nil {
		close(old.gone)
	}
	if !changed || o == c.origin {
		return
	}
	c.log.Info("member found", "node", o, "address", m.address, "version", m.meta.Version)
	if c.origin < o {
		c.goes(func() { c.keepLink(m) })
	}
}

// chooseRunLocked makes the newest run of a node its member, and reports whether that is a new one.
func (c *Cluster) chooseRunLocked(o engine.Origin) (changed bool) {
	if o == c.origin {
		return false // this node's last run, or a twin
	}
	var best *member
	for _, m := range c.runs {
		if m.origin == o && (best == nil || m.boot > best.boot) {
			best = m
		}
	}
	was := c.members[o]
	if best == nil {
		delete(c.members, o)
	} else {
		c.members[o] = best
	}
	return best != nil && best != was
}

func (c *Cluster) left(n *memberlist.Node) {
	o, _, err := parseName(n.Name)
	if err != nil || n.Name == memberName(c.origin, c.boot) {
		return
	}
	c.mu.Lock()
	m, l := c.runs[n.Name], c.links[o]
	delete(c.runs, n.Name)
	c.chooseRunLocked(o)
	if l != nil && (m == nil || l.boot != m.boot) {
		l = nil // another run's
	}
	gone := c.members[o] == nil
	if gone {
		delete(c.vouched, o)
	}
	c.mu.Unlock()
	if m != nil {
		close(m.gone)
	}
	if l != nil {
		l.fail(errGone)
	}
	c.transport.tunnels.drop(n.Name)
	if !gone || o == c.origin {
		return
	}
	c.engine.PeerGone(o)
	if l != nil && l.peerStatus.Load().Draining {
		c.mu.Lock()
		c.parted[o] = true
		c.mu.Unlock()
		c.log.Info("member left", "node", o)
	} else {
		c.log.Warn("member is dead", "node", o, "address", n.Address())
	}
}

// lookForTwins reports a live node with this one's identity. The last run of this
// node may pass for one until gossip knows that it has ended.
func (c *Cluster) lookForTwins(now time.Time) {
	c.mu.Lock()
	address := ""
	for _, m := range c.runs {
		if m.origin == c.origin && now.Sub(m.since) > c.cfg.twinAfter {
			address = m.address
		}
	}
	c.mu.Unlock()
	if address != "" {
		c.reportLink(c.origin.String(), address, errSelf)
	}
}

// keepLink dials a member until it is gone. Of two nodes the one with the lower origin dials.
func (c *Cluster) keepLink(m *member) {
	wait := redialLeast
	for {
		begun := time.Now()
		err := c.dial(m)
		if time.Since(begun) > silence {
			wait = redialLeast
		}
		select {
		case <-m.gone:
			return
		case <-c.ctx.Done():
			return
		default:
		}
		c.reportLink(m.origin.String(), m.address, err)
		select {
		case <-m.gone:
			return
		case <-c.ctx.Done():
			return
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
		wait = min(2*wait, redialMost)
	}
}

// dial makes a link to a member and serves it until it ends.
func (c *Cluster) dial(m *member) error {
	ctx, cancel := context.WithTimeout(c.ctx, helloTimeout)
	defer cancel()
	conn, err := c.transport.dialLink(ctx, m.address)
	if err != nil {
		return err
	}
	return newLink(c, conn, m.origin).run()
}

// accept serves links that others dial.
func (c *Cluster) accept() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case conn := <-c.transport.links():
			if !c.goes(func() { c.serve(conn) }) {
				_ = conn.Close()
			}
		}
	}
}

func (c *Cluster) serve(conn net.Conn) {
	l := newLink(c, conn, 0)
	err := l.run()
	if l.peer == 0 || errors.Is(err, errTwins) {
		c.reportLink("unknown", conn.RemoteAddr().String(), err)
	}
}

// reportLink logs why there is no link: what an administrator must mend, as an
// error, and each thing once a minute.
func (c *Cluster) reportLink(node, address string, err error) {
	if err == nil || errors.Is(err, errClosing) || errors.Is(err, errReplaced) {
		return
	}
	level := slog.LevelInfo
	for _, e := range []error{errSelf, errTwins, errVersions, ErrWrongKey} {
		if errors.Is(err, e) {
			level = slog.LevelError
		}
	}
	host, _, _ := net.SplitHostPort(address)
	if _, ok := c.reports.Allow(node + host + level.String()); !ok {
		return
	}
	c.log.Log(c.ctx, level, "no link", "node", node, "address", address, "err", err)
}

// join looks for members that this node should know and does not, until Close.
func (c *Cluster) join(first chan<- struct{}) {
	for n := 0; ; n++ {
		if addrs := c.missing(n == 0); len(addrs) > 0 {
			found, err := c.list.Join(addrs)
			if found == 0 && n%10 == 0 {
				c.log.Warn("no member answers; trying again", "addresses", strings.Join(addrs, " "), "err", err)
			}
		}
		if n == 0 {
			close(first)
		}
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(rejoinEvery):
		}
	}
}

// missing lists the addresses of seats that are not alive here, and those of
// --join while nobody is, and now and then: a name may have new addresses.
func (c *Cluster) missing(first bool) (addrs []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for o, s := range c.roster {
		if o != c.origin && !s.Left && s.Address != "" && c.members[o] == nil {
			addrs = append(addrs, s.Address)
		}
	}
	if first || len(c.members) == 0 {
		for _, a := range c.cfg.Join {
			addrs = append(addrs, WithPort(a))
		}
	}
	slices.Sort(addrs)
	return slices.Compact(addrs)
}

// WithPort adds DefaultPort to an address without one.
func WithPort(addr string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), strconv.Itoa(DefaultPort))
}
