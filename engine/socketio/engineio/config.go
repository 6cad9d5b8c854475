package engineio

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// Config is what a Server needs. Sockets and Accept must be set; the zero value
// of another field means its default.
type Config struct {
	// Sockets carries the WebSocket connections. It is the caller's, and is
	// closed after the Server. Its ReadLimit must be at least MaxPayload.
	Sockets *socket.Server

	// Accept makes the handler of a new session. It may send to s, which comes
	// right after the handshake. An error refuses the client, with status 403
	// and the error's text. It is called before anything of s is known to the
	// client, and may overlap itself for other sessions.
	Accept func(s *Session) (Handler, error)

	// Heartbeats, default those of Sockets, and nothing else is possible.
	PingInterval, PingTimeout time.Duration

	UpgradeTimeout time.Duration // from a probing WebSocket to its upgrade, default 10 s
	CloseTimeout   time.Duration // what a closing session waits for its last polls, default 10 s
	WriteTimeout   time.Duration // what a client may take to read the answer to a poll, default 10 s
	MaxPayload     int           // bytes of one message and of one POST, default 1e6
	QueueBytes     int           // what may wait for the next poll, default that of Sockets
	MaxSessions    int           // default 100,000; beyond it 503
	AllowEIO3      bool          // serve clients of Engine.IO v3, too

	// Node names this process in its sids, so that others know whose they are.
	// It is of letters that a URL's query takes as they are. Default: none.
	Node string

	// Forward hands a request over to the node that its sid names, and returns
	// whether it has been answered. Default: nobody is there.
	Forward func(w http.ResponseWriter, r *http.Request, node string) bool

	// Admit decides about a request before it becomes a session; release is
	// called when that has ended. Default: all are admitted.
	Admit func(*http.Request) (release func(), err *engine.Error)

	// Origin says what CORS allows for this request: the origin or "*" as the
	// value of Access-Control-Allow-Origin, "" for nothing. A WebSocket is
	// accepted from its own host and from what is allowed here. Default: nothing.
	Origin func(r *http.Request) (allow string, credentials bool)

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default slog.Default()
}

func (c Config) withDefaults() (Config, error) {
	if c.Sockets == nil || c.Accept == nil {
		return c, errors.New("engineio needs Sockets and Accept")
	}
	sockets := c.Sockets.Config()
	c.PingInterval = cmp.Or(c.PingInterval, sockets.HeartbeatInterval)
	c.PingTimeout = cmp.Or(c.PingTimeout, sockets.HeartbeatTimeout)
	c.UpgradeTimeout = cmp.Or(c.UpgradeTimeout, 10*time.Second)
	c.CloseTimeout = cmp.Or(c.CloseTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.MaxPayload = cmp.Or(c.MaxPayload, 1e6)
	c.QueueBytes = cmp.Or(c.QueueBytes, sockets.QueueBytes)
	c.MaxSessions = cmp.Or(c.MaxSessions, 100_000)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Forward == nil {
		c.Forward = func(http.ResponseWriter, *http.Request, string) bool { return false }
	}
	if c.Admit == nil {
		c.Admit = func(*http.Request) (func(), *engine.Error) { return func() {}, nil }
	}
	if c.Origin == nil {
		c.Origin = func(*http.Request) (string, bool) { return "", false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, c.check(sockets)
}

func (c Config) check(sockets socket.Config) error {
	switch {
	case c.PingInterval != sockets.HeartbeatInterval || c.PingTimeout != sockets.HeartbeatTimeout:
		return fmt.Errorf("pings of %v and %v are not those of the sockets, %v and %v",
			c.PingInterval, c.PingTimeout, sockets.HeartbeatInterval, sockets.HeartbeatTimeout)
	case sockets.ReadLimit < c.MaxPayload:
		return fmt.Errorf("the sockets read %d bytes, which is less than a payload of %d", sockets.ReadLimit, c.MaxPayload)
	case min(c.UpgradeTimeout, c.CloseTimeout, c.WriteTimeout) < 0 || min(c.MaxPayload, c.QueueBytes, c.MaxSessions) < 0:
		return errors.New("engineio has no use for negative limits")
	}
	return nil
}
