package realtime

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio"
)

// auth is what a client of Socket.IO says with CONNECT. Its library adds pid and
// offset when it comes back.
type auth struct {
	Token  string `json:"token"`
	PID    string `json:"pid"`    // what we gave it when its session began
	Offset string `json:"offset"` // the last argument of the last event that ended in a string
}

// accept decides about a client, and whether its session goes on.
func (x *SocketIO) accept(s *socketio.Socket, given json.RawMessage) (socketio.Receiver, string, error) {
	c, pid, err := x.begin(s, given)
	if err != nil {
		return nil, "", x.refuse(s, err)
	}
	return c, pid, nil
}

func (x *SocketIO) begin(s *socketio.Socket, given json.RawMessage) (c *caller, pid string, err error) {
	var a auth
	if err := json.Unmarshal(given, &a); err != nil {
		return nil, "", invalid("auth", "malformed", "token, pid and offset must be strings")
	}
	c = &caller{line: line{Socket: s, do: x.sockets.Do}, server: x}
	c.connection = connection{
		handler: x.handler, address: addressOf(s.Handshake().Address), name: sessionName(s.Handshake().Header),
		link: &c.line, wire: socketIOWire{},
	}
	ctx, cancel := context.WithTimeout(context.Background(), x.handler.config.WriteTimeout)
	defer cancel()
	// The cookie of a page that is not ours was dropped by admit.
	if err := c.prove(ctx, cmp.Or(a.Token, tokenIn(s.Handshake().Header, true))); err != nil {
		return nil, "", err
	}
	o := newOpening("")
	c.opening.Store(o)
	o.hello = &frame{Type: typeHello}
	pid, o.hello.Cursor, o.reset = x.recover(ctx, c.who.User, a)
	return c, pid, nil
}

// recover says where a session starts. The pid in the answer is the client's own
// if and only if it will be told everything since its offset: by that its
// library knows that it has recovered.
func (x *SocketIO) recover(ctx context.Context, user engine.ID, a auth) (pid, cursor string, reset *engine.Reset) {
	e := x.handler.engine
	if a.Offset == "" {
		return e.RecoveryToken(user), "", nil
	}
	reason := "the session before was not this user's, or was too long ago"
	if a.PID != "" && e.Recovers(ctx, a.PID, user) {
		var can bool
		if can, reason = e.CanResume(ctx, a.Offset); can {
			return a.PID, a.Offset, nil
		}
	}
	return e.RecoveryToken(user), "", &engine.Reset{Type: "reset", Reason: reason}
}

// refusal is the data of a connect_error.
type refusal struct {
	Code         engine.Code `json:"code"`
	RetryAfterMS int64       `json:"retry_after_ms,omitempty"`
}

// refuse tells a client why it may not come in. What is this node's fault closes
// the transport instead: libraries try again after that, and not after connect_error.
func (x *SocketIO) refuse(s *socketio.Socket, err error) error {
	e := engine.AsError(err)
	if e.Code == engine.CodeInternal {
		x.handler.config.Logger.Error("connect failed", "session", sessionName(s.Handshake().Header), "code", e.Code, "err", err)
	}
	x.handler.failures.count(e.Code)
	if code := closeCodeOf(e.Code); code == engine.CloseLeaving || code == closeInternal {
		s.Close(code, e.Message)
	}
	return &socketio.Error{Message: e.Message, Data: refusal{e.Code, milliseconds(e.RetryAfter)}}
}
