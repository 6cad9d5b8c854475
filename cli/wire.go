package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/backup"
	"github.com/klatch-chat/klatch/web"
)

// openNode opens the parts of a node in order, wires them, and has it answer.
// What can fail without a trace on the disk comes first. The public address
// answers while the node still looks for its cluster, with readiness to come;
// ctx ends that early.
func openNode(ctx context.Context, c Config, log *slog.Logger) (n *node, err error) {
	n = &node{log: log, drain: func(context.Context) {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.shut())
		}
	}()
	if err := n.listen(&c); err != nil {
		return n, err
	}
	certificates, err := openTLS(c, log)
	if err != nil {
		return n, err
	}
	n.close = append(n.close, certificates.close)
	store, err := storage.Open(c.Data, storage.Options{Memory: c.Memory - answerMemory(c), Logger: log, FS: Disk, Now: Clock})
	if err != nil {
		return n, err
	}
	n.close = append(n.close, store.Close)
	e, err := n.openEngine(c, store)
	if err != nil {
		return n, err
	}
	admission := newAdmission(c)
	n.close = append(n.close, startEbb(admission.moves))
	var forward func(http.ResponseWriter, *http.Request, string) bool
	if n.members != nil {
		n.forward = newForwarder(n.members, log)
		forward = n.forward.forward
	}
	l, err := openLive(c, e, admission, forward, log)
	if err != nil {
		return n, err
	}
	n.drain = drain(e, l, n.members, log)
	metrics := newMetrics(store, e, l, func() refusedConnections {
		refused := admission.refusals()
		refused.user = l.native.Stats().UsersRefused
		return refused
	}, n.members)
	figures := &nodeFigures{begun: Clock(), store: store, engine: e, admission: admission, members: n.members}
	doors, err := front(c, e, l, newRequestMetrics(metrics), figures, log)
	if err != nil {
		return n, err
	}
	figures.answers = doors.Stats
	n.desk.openAdmin(doors.Operator())
	n.close = append(n.close, doors.Close)
	metrics.MustRegister(&collector[api.Stats]{doors.Stats, answerFigures},
		&collector[limitStats]{func() limitStats { return limitStats{e.Stats(), doors.Stats()} }, limitFigures})
	n.reload.doors, n.reload.admission, n.reload.native = doors, admission, l.native
	n.reload.engine, n.reload.certificate, n.reload.config = e, certificates.file, c
	server := newServer(doors, certificates.config, log)
	lobby := n.public.throttle(server, boundsFor(c.clientDescriptors(n.descriptors), admission.count), log)
	metrics.MustRegister(&collector[lobbyStats]{lobby.stats, lobbyFigures})
	n.public.start(server)
	certificates.start()
	if n.members != nil {
		n.tunnels = tunnelListener(n.members.Listener())
		n.tunnels.start(newServer(fromPeers(doors), nil, log))
	}
	if n.ops != nil {
		server := newServer(opsHandler(metrics), nil, log)
		server.WriteTimeout = 0 // a profile takes as long as one asks for
		n.ops.start(server)
	}
	return n, n.begin(ctx, c, e)
}

// answerMemory is the share of --memory for answers of the API; the rest is the store's.
func answerMemory(c Config) int64 { return c.Memory / 8 }

// openEngine opens the engine, the cluster that it speaks to, and the socket by
// which an operator reaches both. They close the other way round: first the
// cluster, so that writers who wait for it are answered, last the socket, where
// somebody may wait for the end.
func (n *node) openEngine(c Config, store *storage.Store) (e *engine.Engine, err error) {
	trust := openTrust(n.log)
	n.close = append(n.close, trust.close)
	n.reload = &reloader{log: n.log, trust: trust}
	n.desk = &desk{config: c, store: store, backups: newArchivist(func() backup.Source { return backupSource(store, c.recipe) })}
	n.close = append(n.close, n.desk.backups.close)
	control, err := openControl(c.Data)
	if err != nil {
		n.log.Warn("no control socket: klatch cluster cannot reach this node", "err", err)
	} else {
		n.close = append(n.close, control.stop)
	}
	config := engineConfig(c, store, n.log)
	config.External, _ = trust.set(c)
	if c.clustered() {
		if n.members, err = openMembership(c, store, n.publicAddress(), tunnelsFor(n.descriptors), n.log); err != nil {
			return nil, err
		}
		config.Peers = n.members
	}
	if e, err = engine.Open(config); err != nil {
		if n.members != nil {
			err = errors.Join(err, n.members.Close())
		}
		return nil, err
	}
	n.close = append(n.close, e.Close)
	if n.members != nil {
		n.close = append(n.close, n.members.end)
	}
	if n.desk.engine, n.desk.members = e, n.members; control != nil {
		control.start(n.desk.handler(), n.log)
	}
	return e, nil
}

// begin joins the cluster, and makes the first administrator's invite where there is none.
func (n *node) begin(ctx context.Context, c Config, e *engine.Engine) (err error) {
	if n.members != nil {
		if err := n.members.join(ctx, e); err != nil {
			return err
		}
	}
	if len(c.Join) == 0 || n.ready(ctx, e) {
		n.setup, err = e.SetupInvite()
	}
	return err
}

// catchUp is how long a node that joins others waits to have what they have,
// before it looks whether there is an administrator. One that needs longer
// prints no invite: most likely there is.
const catchUp = 2 * time.Second

func (n *node) ready(ctx context.Context, e *engine.Engine) bool {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	enough := time.After(catchUp)
	for !e.Ready() {
		select {
		case <-look.C:
		case <-enough:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil // a node that has given up looking is ready, and alone
}

// publicAddress is the one for load balancers; without a host where it is any of
// this machine's.
func (n *node) publicAddress() string {
	addr := n.public.net.Addr().(*net.TCPAddr)
	if addr.IP.IsUnspecified() {
		return fmt.Sprintf(":%d", addr.Port)
	}
	return addr.String()
}

// listen takes the addresses, and learns how many connections they can have.
func (n *node) listen(c *Config) (err error) {
	if n.descriptors, err = raiseDescriptors(); err != nil {
		return err
	}
	c.holdTo(n.descriptors, n.log)
	if n.public, err = c.inherited.listen(publicSocket, "--addr", c.Addr); err != nil {
		return err
	}
	if c.OpsAddr != "" {
		n.ops, err = c.inherited.listen(opsSocket, "--ops-addr", c.OpsAddr)
	}
	return err
}

func engineConfig(c Config, store engine.Store, log *slog.Logger) engine.Config {
	return engine.Config{
		Store: store, Logger: log, Now: Clock,
		Registration:   c.Registration,
		TrustedProxies: c.TrustedProxies,
		UserRate:       c.UserRate, MaxMessage: c.MaxMessage,
		HeartbeatInterval: c.HeartbeatInterval, HeartbeatTimeout: c.HeartbeatTimeout,
	}
}

func drain(e *engine.Engine, l *live, members *membership, log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		if members != nil {
			members.Drain()
		}
		e.Drain()
		if err := l.close(ctx); err != nil {
			log.Warn("not all clients left in time", "err", err)
		}
	}
}

// front is everything on the public address, and what of it other nodes may ask
// for over tunnels.
func front(c Config, e *engine.Engine, l *live, requests *requestMetrics, figures *nodeFigures, log *slog.Logger) (api.Handler, error) {
	return api.New(api.Config{
		Engine: e, Logger: log, Version: currentVersion().Version,
		Realtime: l.native, SocketIO: l.socketIO, Assets: web.Assets(),
		Tuning:        frontTuning(c),
		SecureCookies: c.tls(), HSTS: c.tls(),
		Memory:  answerMemory(c),
		Observe: requests.observe,
		Figures: figures.read,
	})
}

// frontTuning is what of it may change while the node runs.
func frontTuning(c Config) api.Tuning {
	t := api.Tuning{TrustedProxies: c.TrustedProxies, AccessLog: c.AccessLog}
	if r := c.UserRate; r.PerSecond > 0 { // off means off: a bench signs in thousands from one address
		t.LoginRate, t.AccountRate, t.StrangerRate = api.DefaultLoginRate, api.DefaultAccountRate, api.DefaultStrangerRate
		t.ReadRate = engine.Rate{PerSecond: api.ReadsPerWrite * r.PerSecond, Burst: api.ReadsPerWrite * r.Burst}
	}
	return t
}
