package engineio

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// closeTooLarge is RFC 6455's code for a message past the limit.
const closeTooLarge engine.CloseCode = 1009

// link is a session's side of one WebSocket.
type link struct {
	session *Session
	live    bool         // the session is on it; owned by the socket's reader
	conn    *socket.Conn // of a probe; guarded by Session.mu
	dropped bool         // close it as soon as it is there; guarded by Session.mu
}

// Message implements socket.Handler.
func (l *link) Message(c *socket.Conn, isBinary bool, data []byte) {
	s := l.session
	p, err := parseMessage(s.protocol, isBinary, data)
	if !l.live {
		l.probe(c, p, err)
		return
	}
	s.adopt(c)
	switch {
	case err != nil:
		s.end(ReasonParseError)
	case len(data) > s.server.config.MaxPayload:
		s.endWith(ReasonTransportError, closeText{closeTooLarge, "payload too large"})
	default:
		s.receive(p)
	}
}

// Beat implements socket.Handler.
func (l *link) Beat(c *socket.Conn) {
	if l.session.ws.Load() == c {
		l.session.wsBeat()
	}
}

// Closed implements socket.Handler.
func (l *link) Closed(c *socket.Conn, code engine.CloseCode, err error) {
	s := l.session
	if !l.live {
		s.probeFailed(l)
		return
	}
	s.adopt(c)
	s.end(reasonOf(code, err))
	s.finish()
}

func reasonOf(code engine.CloseCode, err error) Reason {
	switch {
	case errors.Is(err, socket.ErrHeartbeat):
		return ReasonPingTimeout
	case errors.Is(err, socket.ErrTooSlow):
		return ReasonTooSlow
	case err == nil, code == socket.CloseAbnormal && !errors.Is(err, socket.ErrFrameTimeout):
		return ReasonTransportClose
	}
	return ReasonTransportError
}

func (s *Session) endWith(reason Reason, with closeText) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason, with, closeFrame)
}

// adopt makes c the way out, after everything that has been queued. The
// socket may tell of c before Accept returns it, so whoever sees it first adopts it.
func (s *Session) adopt(c *socket.Conn) {
	if s.ws.Load() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ws.Load() == nil {
		s.moveLocked(c)
	}
}

// moveLocked moves the session to a WebSocket. What was queued goes there as
// one frame, because an empty queue takes one of any size.
func (s *Session) moveLocked(c *socket.Conn) {
	s.sendAllLocked(c, s.takeQueueLocked())
	if s.protocol == 4 {
		c.PingWith(pingFrame)
	} else {
		c.PingWith(nil)
	}
	s.ws.Store(c)
	if s.stage == over {
		c.Close(s.closeWith.code, s.closeWith.text)
	}
}

func (s *Session) sendAllLocked(c *socket.Conn, frames [][]byte) {
	all := slices.Concat(frames...)
	if s.protocol == 3 {
		typed, err := typedFrames(all)
		if err != nil {
			s.server.config.Logger.Error("engine.io session was given a malformed frame", "session", s.request.Name(), "err", err)
			return
		}
		all = typed
	}
	c.Send(all)
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func (srv *Server) acceptance(h socket.Handler) socket.Accept {
	return socket.Accept{
		Handler: h,
		Origin:  srv.mayConnect,
		Refuse: func(w http.ResponseWriter, _ *http.Request, refusal *socket.Refusal) {
			switch refusal.Status {
			case http.StatusForbidden:
				failure{forbidden.Code, refusal.Reason}.write(w, refusal.Status)
			case http.StatusServiceUnavailable:
				refuse(w, engine.ErrUnavailable)
			default:
				badRequest.write(w, http.StatusBadRequest)
			}
		},
	}
}

// serveWebSocket makes the connection of a session that begins on one.
func (s *Session) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	c, err := s.server.config.Sockets.Accept(w, r, s.server.acceptance(&link{session: s, live: true}))
	if err != nil {
		s.end(ReasonTransportError)
		s.finish()
		return
	}
	s.adopt(c)
}
