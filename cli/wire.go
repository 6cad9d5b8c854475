package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/engine/realtime"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/web"
)

// openNode opens the parts of a node in order, wires them, and has it answer.
// What can fail without a trace on the disk comes first.
func openNode(c Config, log *slog.Logger) (n *node, err error) {
	n = &node{log: log, drain: func(context.Context) {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.shut())
		}
	}()
	if err := n.listen(&c); err != nil {
		return n, err
	}
	certificates, err := tlsConfig(c, log)
	if err != nil {
		return n, err
	}
	store, err := storage.Open(c.Data, storage.Options{Memory: c.Memory, Logger: log})
	if err != nil {
		return n, err
	}
	n.close = append(n.close, store.Close)
	e, err := engine.Open(engineConfig(c, store, log))
	if err != nil {
		return n, err
	}
	n.close = append(n.close, e.Close)
	if n.setup, err = e.SetupInvite(); err != nil {
		return n, err
	}
	sockets := socket.NewServer(socketConfig(c, log))
	n.drain = drain(e, sockets, log)
	metrics, admission := newMetrics(store, e, sockets), newAdmission(c)
	n.close = append(n.close, startEbb(admission.moves))
	doors, err := front(c, e, sockets, admission, newRequestMetrics(metrics), log)
	if err != nil {
		return n, err
	}
	server := newServer(doors, certificates, log)
	lobby := n.public.throttle(server, boundsFor(n.descriptors, admission.count), log)
	metrics.MustRegister(&collector[lobbyStats]{lobby.stats, lobbyFigures})
	n.public.start(server)
	if n.ops != nil {
		server := newServer(opsHandler(metrics), nil, log)
		server.WriteTimeout = 0 // a profile takes as long as one asks for
		n.ops.start(server)
	}
	return n, nil
}

// listen takes the addresses, and learns how many connections they can have.
func (n *node) listen(c *Config) (err error) {
	if n.descriptors, err = raiseDescriptors(); err != nil {
		return err
	}
	c.holdTo(n.descriptors, n.log)
	if n.public, err = listen("--addr", c.Addr); err != nil {
		return err
	}
	if c.OpsAddr != "" {
		n.ops, err = listen("--ops-addr", c.OpsAddr)
	}
	return err
}

func tlsConfig(c Config, log *slog.Logger) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	cert, err := openCertificate(c, log)
	if err != nil {
		return nil, err
	}
	return cert.tlsConfig(), nil
}

func engineConfig(c Config, store engine.Store, log *slog.Logger) engine.Config {
	config := engine.Config{
		Store: store, Logger: log,
		Registration: c.Registration,
		UserRate:     c.UserRate, MaxMessage: c.MaxMessage,
		HeartbeatInterval: c.HeartbeatInterval, HeartbeatTimeout: c.HeartbeatTimeout,
	}
	if c.JWTSecret != nil {
		config.External = verifyJWT(c.JWTSecret, time.Now)
	}
	return config
}

func socketConfig(c Config, log *slog.Logger) socket.Config {
	return socket.Config{
		ReadLimit:         frameLimit(c.MaxMessage),
		HeartbeatInterval: c.HeartbeatInterval, HeartbeatTimeout: c.HeartbeatTimeout,
		Compression: c.Compression,
		Logger:      log,
	}
}

// frameLimit fits a body of the longest message in JSON at its worst, where a
// byte takes six (\u0001), and the rest of the frame.
func frameLimit(maxMessage int) int { return 6*maxMessage + 8<<10 }

func drain(e *engine.Engine, sockets *socket.Server, log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		e.Drain()
		if err := sockets.Close(ctx); err != nil {
			log.Warn("not all clients left in time", "err", err)
		}
	}
}

// front is everything on the public address.
func front(c Config, e *engine.Engine, sockets *socket.Server, admission *admission, requests *requestMetrics, log *slog.Logger) (http.Handler, error) {
	ws := realtime.New(realtime.Config{
		Engine: e, Sockets: sockets, Logger: log,
		Admit:              admission.admit,
		MaxUserConnections: orNoLimit(c.MaxUserConnections),
		CheckpointEvery:    c.HeartbeatInterval,
	})
	config := api.Config{
		Engine: e, Logger: log, Version: currentVersion().Version,
		Realtime: ws, Assets: web.Assets(),
		TrustedProxies: c.TrustedProxies,
		SecureCookies:  c.TLSCert != "",
		Observe:        requests.observe,
	}
	if c.UserRate.PerSecond > 0 { // off means off: a bench signs in thousands from one address
		config.LoginRate = api.DefaultLoginRate
	}
	return api.New(config)
}

// orNoLimit reads our 0 for those to whom it means a default.
func orNoLimit(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}
