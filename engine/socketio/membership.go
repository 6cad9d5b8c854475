package socketio

import (
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// socket finds the one in a namespace, or is nil.
func (c *connection) socket(namespace []byte) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.namespace.name == string(namespace) {
			return s
		}
	}
	return nil
}

// add takes a socket in, in the place of one that was in its namespace before.
func (c *connection) add(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = slices.DeleteFunc(c.sockets, func(o *Socket) bool { return o.namespace == s.namespace })
	if c.over || len(c.sockets) >= c.server.config.MaxNamespaces {
		return false
	}
	c.sockets = append(c.sockets, s)
	return true
}

func (c *connection) forget(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = slices.DeleteFunc(c.sockets, func(o *Socket) bool { return o == s })
}

func (c *connection) all() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sockets)
}

// joined is called when a socket is open, or was: left may come sooner.
func (c *connection) joined() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inAnyLocked() {
		c.idle.Stop()
	}
}

// left is called when a socket has ended.
func (c *connection) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over && !c.inAnyLocked() {
		c.idle.Reset(c.server.config.ConnectTimeout)
	}
}

func (c *connection) inAnyLocked() bool { return slices.ContainsFunc(c.sockets, (*Socket).Connected) }

// expire ends a connection that is in no namespace.
func (c *connection) expire() {
	c.mu.Lock()
	in := c.inAnyLocked()
	c.mu.Unlock()
	if !in {
		c.end(ReasonForcedClose, engine.CloseNormal, "connected to no namespace")
	}
}

// disconnectAll takes the client out of all namespaces and ends the connection.
func (c *connection) disconnectAll() {
	for _, s := range c.all() {
		s.Disconnect(false)
	}
	c.end(ReasonServerDisconnect, engine.CloseNormal, "disconnected")
}
