package realtime

import (
	"context"
	"errors"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// fail answers a frame that was not done. What only the log may know goes there.
func (c *connection) fail(ref *int64, err error) {
	e := engine.AsError(err)
	if e.Code == engine.CodeInternal {
		c.handler.config.Logger.Error("frame failed", "session", c.name, "user", c.userText(), "code", e.Code, "err", err)
	}
	c.handler.failures.count(e.Code)
	c.link.tell(ref, &errorFrame{
		Type: typeError, Ref: ref, Code: e.Code, Message: e.Message,
		RetryAfterMS: milliseconds(e.RetryAfter), Fields: e.Fields,
	})
}

// milliseconds rounds up: a wait that ends too early would be refused again.
func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// violate ends a connection that breaks the order of the protocol.
func (c *connection) violate(ref *int64, message string) {
	c.fail(ref, &engine.Error{Code: codeProtocol, Message: message})
	c.link.Close(engine.CloseProtocolError, message)
}

// refuse ends a connection whose hello failed.
func (c *connection) refuse(ref *int64, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, socket.ErrClosed) || errors.Is(err, engineio.ErrClosed) {
		return // the client has gone
	}
	if errors.Is(err, context.DeadlineExceeded) {
		c.link.Close(engine.CloseTooSlow, "catching up took too long")
		return
	}
	e := engine.AsError(err)
	c.fail(ref, err)
	c.link.Close(closeCodeOf(e.Code), e.Message)
}

// closeCodeOf says whether a client whose hello failed should come back. What
// is wrong with a token or a hello will be wrong the next time too.
func closeCodeOf(code engine.Code) engine.CloseCode {
	switch code {
	case engine.CodeRateLimited:
		return engine.CloseRateLimited
	case engine.CodeUnavailable, engine.CodeNotCaughtUp:
		return engine.CloseLeaving
	case engine.CodeInternal:
		return closeInternal
	}
	return engine.CloseUnauthorized
}
