package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
	"golang.org/x/time/rate"

	"github.com/klatch-chat/klatch/engine"
)

// startPatience is how long Start waits for members before the node serves alone.
const startPatience = 5 * time.Second

var _ engine.Peers = (*Cluster)(nil)

// Cluster is this node's part of its cluster. Make it with New, give it to the
// engine as Peers, Start it, and Close it before the engine.
type Cluster struct {
	// Fixed after New.
	cfg       Config
	log       *slog.Logger
	store     engine.Store
	origin    engine.Origin
	boot      boot
	transport *transport
	tail      tail
	concern   *concern
	relays    *rate.Limiter
	reports   *engine.Limiter[string] // of what is logged again and again

	// Fixed after Start.
	engine *engine.Engine
	list   *memberlist.Memberlist
	begun  time.Time

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	kicked chan struct{}
	wg     sync.WaitGroup // of every goroutine; Add under mu, never once closing

	dropped, seeded atomic.Uint64
	sessions        atomic.Int64 // here, as of the last second

	mu        sync.Mutex         // before link.mu; never held while memberlist, the store or the engine is waited for
	runs      map[string]*member // by name: all that gossip holds for alive
	members   map[engine.Origin]*member
	parted    map[engine.Origin]bool      // those that drained before they left
	open      map[*link]struct{}          // every connection, also those without hello
	links     map[engine.Origin]*link     // those with
	vouched   map[engine.Origin]time.Time // since when a peer whose users are known has no link
	streams   map[engine.Origin]*source
	roster    roster
	unsaved   bool
	seeding   *seeding
	seedTries int
	started   bool
	caughtUp  bool
	draining  bool
	leaving   bool // for good
	departed  bool // off the member list: makes no links
	closing   bool
}

// New takes the cluster's address. Nothing is said or answered before Start.
func New(cfg Config) (*Cluster, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		cfg: cfg, log: cfg.Logger, store: cfg.Store, origin: cfg.Store.Origin(), boot: boot(time.Now().UnixMilli()),
		concern: newConcern(cfg.Concern), relays: newRelayLimit(), reports: engine.NewLimiter[string](engine.Rate{PerSecond: 1. / 60, Burst: 1}, time.Now),
		kicked: make(chan struct{}, 1),
		runs:   map[string]*member{}, members: map[engine.Origin]*member{}, parted: map[engine.Origin]bool{}, open: map[*link]struct{}{}, links: map[engine.Origin]*link{}, vouched: map[engine.Origin]time.Time{},
		streams: map[engine.Origin]*source{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.loadRoster(); err != nil {
		return nil, err
	}
	c.transport, err = listen(transportConfig{Bind: cfg.Bind, Advertise: cfg.Advertise, Key: cfg.Key, Logger: cfg.Logger, Now: cfg.Now, Tunnels: cfg.Tunnels})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Addr is the address under which others reach this node.
func (c *Cluster) Addr() string { return c.transport.addr() }

// Start joins the cluster. It returns when the node is linked to all members
// that it finds, or after some seconds alone; links are then made in the background.
func (c *Cluster) Start(ctx context.Context, e *engine.Engine) error {
	c.engine, c.begun = e, time.Now()
	c.takeSeat()
	list, err := memberlist.Create(c.gossip())
	if err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	c.list = list
	c.goes(c.accept)
	c.goes(c.replicate)
	first := make(chan struct{})
	c.goes(func() { c.join(first) })
	c.awaitLinks(ctx, first)
	c.mu.Lock()
	c.started = true
	alone := len(c.links) == 0 && c.roster.seats() > 1
	c.mu.Unlock()
	c.kick()
	if alone {
		c.log.Warn("no member of the cluster is linked: serving alone and trying on")
	}
	return nil
}

// awaitLinks waits until every member that is known to live is linked.
func (c *Cluster) awaitLinks(ctx context.Context, first <-chan struct{}) {
	c.mu.Lock()
	expected := len(c.cfg.Join) > 0 || c.roster.seats() > 1
	c.mu.Unlock()
	if !expected {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case <-first:
	case <-ctx.Done():
		return
	}
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for !c.allLinked() {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// allLinked reports whether there are members, each is linked, and what they know
// of this node's own events is here.
func (c *Cluster) allLinked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.members) > 0 && len(c.links) >= len(c.members) && !c.lacksOwnLocked()
}

// goes starts a goroutine that Close waits for, and reports whether it did:
// not once the node is closing.
func (c *Cluster) goes(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.wg.Add(1)
	go func() { defer c.wg.Done(); f() }()
	return true
}

// opened notes a connection that Close has to end; not once the node is closing.
func (c *Cluster) opened(l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok := !c.closing && !c.departed
	if ok {
		c.open[l] = struct{}{}
	}
	return ok
}

func (c *Cluster) allOpen() []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*link, 0, len(c.open))
	for l := range c.open {
		all = append(all, l)
	}
	return all
}

func (c *Cluster) allLinks() []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*link, 0, len(c.links))
	for _, l := range c.links {
		all = append(all, l)
	}
	return all
}

// hello is this node's first frame on a link, to the node that it dialled.
func (c *Cluster) hello(to engine.Origin) []byte {
	c.mu.Lock()
	seats := c.roster.list()
	c.mu.Unlock()
	return encodeFrame(frameHello, hello{
		Oldest: protocolOldest, Newest: protocolVersion, Origin: c.origin,
		Position: c.store.Position().String(), Version: c.cfg.Version, Roster: seats, Boot: c.boot, To: to,
	})
}

// link takes up a link whose peer has said hello.
func (c *Cluster) link(l *link, seats []seat) error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return errClosing
	}
	if c.cfg.admit != nil && !c.cfg.admit(l.peer) {
		c.mu.Unlock()
		return errGone
	}
	old := c.links[l.peer]
	if old != nil && old.boot != l.boot && old.up(time.Now()) {
		c.mu.Unlock()
		return errTwins
	}
	c.links[l.peer] = l
	delete(c.vouched, l.peer)
	c.mu.Unlock()
	if old != nil {
		old.fail(errReplaced)
	}
	c.log.Info("linked", "node", l.peer, "address", l.net.RemoteAddr(), "version", l.version, "behind", c.store.Position().Behind(l.met), "ahead", l.met.Behind(c.store.Position()))
	c.concern.linked(l.peer, true, l.met.Seq(c.origin))
	c.meet(seats)
	l.introduce(c.engine.Presences())
	l.oweStatus()
	c.kick()
	return nil
}

// unlink forgets a link that has ended.
func (c *Cluster) unlink(l *link) {
	c.mu.Lock()
	delete(c.open, l)
	current := l.peer != 0 && c.links[l.peer] == l
	if current {
		delete(c.links, l.peer)
		if c.members[l.peer] != nil {
			c.vouched[l.peer] = time.Now()
		}
	}
	s := c.seeding
	c.mu.Unlock()
	if s != nil && s.from == l && !s.ending {
		c.endSeeding(s, l.fault)
	}
	if !current {
		return
	}
	c.concern.linked(l.peer, false, 0)
	c.log.Info("link ended", "node", l.peer, "err", l.fault)
	c.kick()
}

// status is what this node tells a peer of itself.
func (c *Cluster) status(l *link) status {
	c.mu.Lock()
	s := status{Ready: c.caughtUp && !c.draining, Draining: c.draining}
	c.mu.Unlock()
	s.Position, s.Connections = c.store.Position().String(), int(c.sessions.Load())
	s.Sent = time.Now().UnixMicro()
	if p := l.peerStatus.Load(); p != nil && p.Sent != 0 {
		s.Echo, s.Held = p.Sent, time.Since(p.received)
	}
	return s
}

// Node is this node's own name.
func (c *Cluster) Node() string { return c.origin.String() }

// Close ends all links, answers the writes that wait, and stops every goroutine.
func (c *Cluster) Close() error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return nil
	}
	c.closing = true
	c.mu.Unlock()
	c.cancel()
	for _, l := range c.allOpen() {
		l.fail(errClosing)
	}
	var err error
	if c.list != nil {
		err = c.list.Shutdown() // and the transport
	} else {
		err = c.transport.Shutdown()
	}
	c.concern.close()
	c.wg.Wait()
	c.keepRoster()
	return err
}
