package realtime

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// SocketIOConfig is what a SocketIO needs. Sockets must be set.
type SocketIOConfig struct {
	// Sockets carries its WebSockets and nothing else. It is the caller's, and is
	// closed after the SocketIO. Its ReadLimit is what clients are told as maxPayload.
	Sockets *socket.Server

	// Forward hands a request over to the node that its session is on, and reports
	// whether it has been answered. Default: nobody is there.
	Forward func(w http.ResponseWriter, r *http.Request, node string) bool
}

// SocketIO serves the protocol to clients of Socket.IO, at SocketIOPath.
type SocketIO struct {
	handler *Handler
	sockets *socket.Server
	server  *socketio.Server

	sessions atomic.Int64 // of Engine.IO
}

// SocketIO returns the handler of Socket.IO's path. It shares the bounds of h,
// its Admit and its gate. Close it before the engine.
func (h *Handler) SocketIO(c SocketIOConfig) (*SocketIO, error) {
	x := &SocketIO{handler: h, sockets: c.Sockets}
	var err error
	x.server, err = socketio.New(socketio.Config{ConnectTimeout: h.config.HandshakeTimeout, Config: engineio.Config{
		Sockets:      c.Sockets,
		PingInterval: c.Sockets.Config().HeartbeatInterval,
		PingTimeout:  c.Sockets.Config().HeartbeatTimeout,
		MaxPayload:   c.Sockets.Config().ReadLimit,
		MaxSessions:  math.MaxInt, // Admit's business
		Node:         h.engine.Store().Origin().String(),
		Forward:      c.Forward,
		Admit:        x.admit,
		Origin:       anySite,
		Now:          h.config.Now,
		Logger:       h.config.Logger,
	}})
	if err != nil {
		return nil, fmt.Errorf("serve Socket.IO: %w", err)
	}
	x.server.Raw(x.accept)
	return x, nil
}

// SocketIOPath is where clients of Socket.IO look for it.
const SocketIOPath = "/socket.io/"

// ServeHTTP implements http.Handler. There is nothing below the path.
func (x *SocketIO) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != SocketIOPath {
		writeProblem(w, http.StatusNotFound, engine.ErrNotFound)
		return
	}
	x.server.ServeHTTP(w, r)
}

// Close ends all sessions, so that their clients go elsewhere, and waits until
// they have ended or ctx has.
func (x *SocketIO) Close(ctx context.Context) error { return x.server.Close(ctx) }

// anySite lets pages of other sites in, as anyOrigin does: they bring a token,
// and the browser keeps their cookies back.
func anySite(*http.Request) (allow string, credentials bool) { return "*", false }

// admit decides about a session of Engine.IO.
func (x *SocketIO) admit(r *http.Request) (release func(), err *engine.Error) {
	if !x.handler.engine.Ready() {
		return nil, engine.ErrUnavailable
	}
	leave, refusal := x.handler.admit(r)
	if refusal != nil {
		return nil, refusal
	}
	if !x.handler.config.CheckOrigin(r) {
		r.Header.Del("Cookie") // the handshake is read again at CONNECT, when nobody knows its page any more
	}
	x.sessions.Add(1)
	return func() { x.sessions.Add(-1); leave() }, nil
}

// SocketIOStats says how many sessions there are now. One that changes its
// transport may count for both.
type SocketIOStats struct{ Polling, WebSocket int }

// Stats counts.
func (x *SocketIO) Stats() SocketIOStats {
	ws := x.sockets.Stats().Open
	return SocketIOStats{Polling: max(0, int(x.sessions.Load())-ws), WebSocket: ws}
}
