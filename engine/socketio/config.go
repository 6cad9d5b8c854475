package socketio

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// Config is what a Server may be told. Its zero value works; so does that of
// each field. Of the embedded fields Accept is the Server's own. Without
// Sockets the Server makes and closes its own, with PingInterval, PingTimeout,
// MaxPayload and QueueBytes as they are here.
type Config struct {
	engineio.Config

	ConnectTimeout time.Duration // what a client may take to connect to a namespace, default 45 s
	ListenTimeout  time.Duration // what listeners may take to make room for another event, default 20 s
	MaxAttachments int           // of a packet, default 10, as clients have it
	MaxDepth       int           // of a packet's JSON, in brackets, default 64
	MaxNamespaces  int           // of a connection, and how often one may be refused, default 32
	MaxRooms       int           // of a socket, default 1,024
	MaxAcks        int           // waited for of a socket, default 1,024
}

func (c Config) withDefaults() Config {
	c.PingInterval = cmp.Or(c.PingInterval, 25*time.Second)
	c.PingTimeout = cmp.Or(c.PingTimeout, 20*time.Second)
	c.MaxPayload = cmp.Or(c.MaxPayload, 1e6)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 45*time.Second)
	c.ListenTimeout = cmp.Or(c.ListenTimeout, 20*time.Second)
	c.MaxAttachments = cmp.Or(c.MaxAttachments, 10)
	c.MaxDepth = cmp.Or(c.MaxDepth, 64)
	c.MaxNamespaces = cmp.Or(c.MaxNamespaces, 32)
	c.MaxRooms = cmp.Or(c.MaxRooms, 1024)
	c.MaxAcks = cmp.Or(c.MaxAcks, 1024)
	return c
}

// sockets are those that the Server has to make.
func (c Config) sockets() *socket.Server {
	return socket.NewServer(socket.Config{
		ReadLimit:         c.MaxPayload,
		QueueBytes:        c.QueueBytes,
		HeartbeatInterval: c.PingInterval,
		HeartbeatTimeout:  c.PingTimeout,
		Now:               c.Now,
		Logger:            c.Logger,
	})
}
