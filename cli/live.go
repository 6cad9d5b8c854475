package cli

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"sync"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/realtime"
	"github.com/klatch-chat/klatch/engine/socket"
)

// live is a node's real-time side: two protocols, each on sockets of its own,
// because they differ in what a message may have and in who sends pings.
type live struct {
	sockets  *socket.Server
	native   *realtime.Handler
	calls    *socket.Server
	socketIO *realtime.SocketIO
}

// maxPayload is what clients of Socket.IO expect of any server. Our own frames
// in it are held to the size that the others have.
const maxPayload = 1_000_000

// openLive starts it. A request of a Socket.IO session that is another node's is
// forwarded to that; without forward, or when that node is gone, it is answered
// "Session ID unknown", at which its client makes a new session.
func openLive(c Config, e *engine.Engine, admission *admission, forward func(http.ResponseWriter, *http.Request, string) bool, log *slog.Logger) (*live, error) {
	l := &live{sockets: socket.NewServer(socketConfig(c, log)), calls: socket.NewServer(callConfig(c, log))}
	l.native = realtime.New(realtime.Config{
		Engine: e, Sockets: l.sockets, Logger: log,
		Admit:              admission.admit,
		MaxUserConnections: orNoLimit(c.MaxUserConnections),
		CheckpointEvery:    c.HeartbeatInterval,
	})
	var err error
	if l.socketIO, err = l.native.SocketIO(realtime.SocketIOConfig{Sockets: l.calls, Forward: forward}); err != nil {
		return nil, errors.Join(err, l.sockets.Close(context.Background()), l.calls.Close(context.Background()))
	}
	return l, nil
}

// close ends all connections. The two protocols share the time that there is.
func (l *live) close(ctx context.Context) error {
	var native error
	var other sync.WaitGroup
	other.Go(func() { native = l.sockets.Close(ctx) })
	err := errors.Join(l.socketIO.Close(ctx), l.calls.Close(ctx))
	other.Wait()
	return errors.Join(native, err)
}

// stats are those of all sockets.
func (l *live) stats() socket.Stats {
	a, b := l.sockets.Stats(), l.calls.Stats()
	return socket.Stats{
		Open: a.Open + b.Open, Parked: a.Parked + b.Parked, QueueBytes: a.QueueBytes + b.QueueBytes,
		Accepted: a.Accepted + b.Accepted, Refused: a.Refused + b.Refused,
		EvictedFull: a.EvictedFull + b.EvictedFull, EvictedStalled: a.EvictedStalled + b.EvictedStalled,
		EvictedSilent: a.EvictedSilent + b.EvictedSilent, EvictedUnfinished: a.EvictedUnfinished + b.EvictedUnfinished,
		FramesIn: a.FramesIn + b.FramesIn, BytesIn: a.BytesIn + b.BytesIn,
		FramesOut: a.FramesOut + b.FramesOut, BytesOut: a.BytesOut + b.BytesOut, Writes: a.Writes + b.Writes,
	}
}

func socketConfig(c Config, log *slog.Logger) socket.Config {
	return socket.Config{
		ReadLimit:         frameLimit(c.MaxMessage),
		HeartbeatInterval: c.HeartbeatInterval, HeartbeatTimeout: c.HeartbeatTimeout,
		Compression: c.Compression,
		Logger:      log,
	}
}

// callConfig is for Socket.IO: its frames are shared with long-polling, and so never deflated.
func callConfig(c Config, log *slog.Logger) socket.Config {
	config := socketConfig(c, log)
	config.ReadLimit, config.Compression = max(maxPayload, config.ReadLimit), false
	return config
}

// frameLimit fits a body of the longest message in JSON at its worst, where a
// byte takes six (\u0001), and the rest of the frame.
func frameLimit(maxMessage int) int { return 6*maxMessage + 8<<10 }

// orNoLimit reads our 0 for those to whom it means a default.
func orNoLimit(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}
