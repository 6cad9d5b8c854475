package socket

import (
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
)

// echoes counts the faults of all echo handlers.
var echoes struct{ wrong atomic.Int64 }

type echo struct{ closed atomic.Int64 }

func newEcho() Handler { return &echo{} }

func (e *echo) Message(c *Conn, _ bool, data []byte) {
	if e.closed.Load() > 0 {
		echoes.wrong.Add(1)
	}
	c.Send(TextFrame(data))
}

func (e *echo) Beat(*Conn) {}

func (e *echo) Closed(*Conn, engine.CloseCode, error) {
	if e.closed.Add(1) > 1 {
		echoes.wrong.Add(1)
	}
}
