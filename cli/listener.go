package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// The patience with clients. None bounds a hijacked connection, which the
// socket package takes care of; the write's is above any long poll.
const (
	headerPatience = 10 * time.Second
	bodyPatience   = time.Minute
	writePatience  = 2 * time.Minute
	idlePatience   = 2 * time.Minute
	maxHeader      = 64 << 10
)

// listener is one address and the HTTP server behind it.
type listener struct {
	net    net.Listener
	server *http.Server
	lane   *lane // nil: none; before start, too
	tls    bool
	failed chan error // closed when Serve has ended, after its error if it was not stop
}

// listen takes the address; nothing is answered before start.
func listen(flag, addr string) (*listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program: stop that or name another %s", addr, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is not an address of this machine: name another %s", addr, flag)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("not allowed to listen on %s: ports below 1024 need the right to, name another %s", addr, flag)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return &listener{net: l, failed: make(chan error, 1)}, nil
}

// tunnelListener is the one of what other nodes forward. No address is its own.
func tunnelListener(l net.Listener) *listener {
	return &listener{net: l, failed: make(chan error, 1)}
}

// newServer returns a server with our patience, which speaks TLS if conf is not nil.
func newServer(h http.Handler, conf *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		TLSConfig:         conf,
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       bodyPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // strangers cause these
	}
}

// throttle has connections wait in a lobby for a server that is to be started.
func (l *listener) throttle(server *http.Server, bounds lobbyBounds, log *slog.Logger) *lobby {
	lobby := newLobby(l.net, bounds, server.TLSConfig != nil, log)
	l.net, server.ConnState = lobby, lobby.connState
	return lobby
}

// start answers requests until stop.
func (l *listener) start(server *http.Server) {
	l.server, l.tls = server, server.TLSConfig != nil
	if lobby, ok := l.net.(*lobby); ok && !l.tls {
		l.lane = newLane(lobby, server)
	}
	go func() {
		defer close(l.failed)
		if err := l.serve(); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- fmt.Errorf("serve on %s: %w", l.net.Addr(), err)
		}
	}()
}

func (l *listener) serve() error {
	if l.tls {
		return l.server.ServeTLS(l.net, "", "")
	}
	if l.lane != nil {
		return l.server.Serve(l.lane)
	}
	return l.server.Serve(l.net)
}

// stop takes no new connections and waits for running requests until ctx ends,
// then cuts them off. It may be called before start, and again.
func (l *listener) stop(ctx context.Context) {
	if l.server == nil {
		l.net.Close()
		return
	}
	if err := l.server.Shutdown(ctx); err != nil {
		l.server.Close()
	}
	if l.lane != nil {
		l.lane.stop(ctx)
	}
	<-l.failed
}

// url is where a browser on this machine finds the listener.
func (l *listener) url() string {
	scheme := "http"
	if l.tls {
		scheme = "https"
	}
	addr := l.net.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "localhost"
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, fmt.Sprint(addr.Port)))
}
