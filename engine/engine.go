package engine

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Registration says who may make an account.
type Registration string

// The ways of registration. The first administrator's invite works in all of them.
const (
	RegistrationOpen   Registration = "open"
	RegistrationInvite Registration = "invite"
	RegistrationClosed Registration = "closed"
)

// Config is what an engine needs. Store must be set; the rest has defaults.
type Config struct {
	Store  Store
	Peers  Peers // nil: the node is alone
	Logger *slog.Logger
	Now    func() time.Time
	Rand   io.Reader

	Registration  Registration  // open
	Password      PasswordCost  // DefaultPasswordCost
	TokenLifetime time.Duration // 30 days
	// External verifies tokens of another backend; nil: none are accepted. What it
	// accepted may be believed for a minute without asking again, never past Expires.
	External func(token string) (ExternalUser, error)

	// Addresses of which a ban refuses none that it does not name alone, like loopback's.
	TrustedProxies []netip.Prefix

	UserRate   Rate // frames and unsafe requests of one user; zero: no limit
	MaxMessage int  // bytes of a body, 16 KiB

	// A cursor more events behind than this gets Reset: reloading pages is cheaper then.
	ResumeLimit uint64 // 100,000

	// What Ready tells clients; the connections themselves keep it.
	HeartbeatInterval, HeartbeatTimeout time.Duration // 25 s, 20 s
}

// WaitLimit bounds how long a request may wait for a position (I8).
const WaitLimit = 2 * time.Second

// withDefaults fills in what is not set, and refuses what cannot be.
func (c Config) withDefaults() (Config, error) {
	if c.Store == nil {
		return c, errors.New("engine: a Store is needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Registration == "" {
		c.Registration = RegistrationOpen
	}
	if c.Password == (PasswordCost{}) {
		c.Password = DefaultPasswordCost
	}
	if c.TokenLifetime == 0 {
		c.TokenLifetime = 30 * 24 * time.Hour
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = 16 << 10
	}
	if c.ResumeLimit == 0 {
		c.ResumeLimit = 100_000
	}
	if c.HeartbeatInterval == 0 {
		c.HeartbeatInterval = 25 * time.Second
	}
	if c.HeartbeatTimeout == 0 {
		c.HeartbeatTimeout = 20 * time.Second
	}
	return c, c.Registration.check()
}

// Engine is one node's chat. Its methods may be called by any goroutine.
type Engine struct {
	// Fixed after Open.
	cfg       Config
	store     Store
	log       *slog.Logger
	now       func() time.Time
	clock     *Clock
	key       ed25519.PrivateKey
	passwords *passwords
	verdicts  *verdicts[verdict]
	userRate  *Limiter[ID]
	bans      *bans
	hub       *hub
	committer *committer
	presence  *presence
	crossings *crossings
	replays   chan struct{} // one place for each session that is reading the log
	unproven  chan struct{} // one place for each token that waits for its key

	tuned atomic.Pointer[tuned]

	commits                   *commitStats
	conflicts, hidden         atomic.Uint64
	resumed, resets, replayed atomic.Uint64
	draining                  atomic.Bool
	closeOnce                 sync.Once
}

// replaysAtOnce bounds the sessions that read the log side by side.
const replaysAtOnce = 32

// Open starts an engine on a store. Close it before the store.
func Open(cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, store: cfg.Store, log: cfg.Logger, now: cfg.Now,
		clock:    NewClock(cfg.Now),
		verdicts: newVerdicts[verdict](),
		userRate: NewLimiter[ID](cfg.UserRate, cfg.Now),
		commits:  newCommitStats(),
		replays:  make(chan struct{}, replaysAtOnce),
		unproven: make(chan struct{}, unprovenAtOnce),
	}
	e.tuned.Store(newTuned(Tuning{Registration: cfg.Registration, External: cfg.External, UserRate: cfg.UserRate, TrustedProxies: cfg.TrustedProxies}))
	if e.passwords, err = newPasswords(cfg.Password, cfg.Rand); err != nil {
		return nil, err
	}
	if err := e.observeLog(); err != nil {
		return nil, fmt.Errorf("read the last stamps: %w", err)
	}
	e.bans = newBans(cfg.Now, cfg.TrustedProxies)
	if err := e.bans.load(e.store); err != nil {
		return nil, fmt.Errorf("read the bans: %w", err)
	}
	e.hub = newHub(e)
	e.crossings = newCrossings(e.store, e.store.Position())
	e.presence = newPresence(e)
	e.committer = newCommitter(e.store, e.clock, e.commits, cfg.Peers, e.publish)
	if err := e.loadKey(); err != nil {
		e.committer.close()
		e.presence.close()
		return nil, fmt.Errorf("load the node's key: %w", err)
	}
	return e, nil
}

// observeLog moves the clock past every event the node has. Stamps rise with
// seq, so the last event of each origin is enough.
func (e *Engine) observeLog() error {
	for origin, seq := range e.store.Position().All() {
		for entry, err := range e.store.Events(origin, seq-1, seq) {
			if err != nil {
				return err
			}
			e.clock.Observe(entry.Stamp)
		}
	}
	return nil
}

const nodeKeyName = "node-key"

// loadKey reads the node's signing key, or makes it and publishes its public half.
func (e *Engine) loadKey() error {
	seed, err := e.store.Local(nodeKeyName)
	if errors.Is(err, ErrNotFound) {
		seed = make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(e.cfg.Rand, seed); err != nil {
			return err
		}
		err = e.store.SetLocal(nodeKeyName, seed)
	}
	if err != nil {
		return err
	}
	if len(seed) != ed25519.SeedSize {
		return fmt.Errorf("the stored key has %d bytes", len(seed))
	}
	e.key = ed25519.NewKeyFromSeed(seed)
	if _, err := e.store.NodeKey(e.store.Origin()); !errors.Is(err, ErrNotFound) {
		return err
	}
	key := &NodeKey{Public: e.key.Public().(ed25519.PublicKey)}
	_, err = e.await(context.Background(), write{size: writeOverhead, internal: true, prepare: func(b *batch) error {
		return b.append(&Event{Kind: KindNodeKey, Payload: key})
	}})
	return err
}

// publish runs in the committer, for every batch once it is durable.
func (e *Engine) publish(events []committed, pos Position) {
	for _, ev := range events {
		e.noteConflicts(ev)
		e.noteBan(ev)
		if err := e.crossings.note(ev, pos); err != nil {
			e.log.Warn("the posts of a nonce could not be read; replays will read more", "origin", ev.Origin, "seq", ev.Seq, "err", err)
		}
	}
	e.hub.publish(events, pos)
}

// Store gives protocols the queries that need no rights.
func (e *Engine) Store() Store { return e.store }

// Position is what this node has published: every query sees at least this.
func (e *Engine) Position() Position { return e.hub.current() }

// WaitFor returns when the node has applied p, or ErrNotCaughtUp after WaitLimit (I8).
func (e *Engine) WaitFor(ctx context.Context, p Position) error {
	ctx, cancel := context.WithTimeout(ctx, WaitLimit)
	defer cancel()
	return e.hub.waitFor(ctx, p)
}

// MaxMessage is the most bytes a body may have.
func (e *Engine) MaxMessage() int { return e.cfg.MaxMessage }

// Registration says who may make an account.
func (e *Engine) Registration() Registration { return e.Tuning().Registration }

// Ready reports whether the node wants traffic.
func (e *Engine) Ready() bool {
	return !e.draining.Load() && (e.cfg.Peers == nil || e.cfg.Peers.Ready())
}
