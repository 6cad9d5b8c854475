package socket

import (
	"cmp"
	"log/slog"
	"time"
)

// Config is what a Server needs to know. The zero value of a field, and a
// negative one, means its default.
type Config struct {
	ReadLimit         int           // bytes of one message, inflated or not, default 64 KiB
	QueueBytes        int           // bound of one outbox, default 1 MiB
	HeartbeatInterval time.Duration // silence after which a connection is asked for a sign of life, default 25 s
	HeartbeatTimeout  time.Duration // how long it may take to give one, default 20 s
	FrameTimeout      time.Duration // what a message may take from its first byte to its last, default 20 s
	WriteTimeout      time.Duration // a write that makes no progress this long evicts, default 10 s
	CloseTimeout      time.Duration // what Close may take, with the flush and the peer's answer, default 2 s

	// Compression has permessage-deflate negotiated with clients that offer it.
	// Their messages are then inflated; what is sent to them need not be deflated.
	Compression bool

	// Now is the clock of heartbeats, FrameTimeout and CloseTimeout; default time.Now.
	Now    func() time.Time
	Logger *slog.Logger // default slog.Default()

	unparked bool // a goroutine for every connection, as where there is no poller
}

func (c Config) withDefaults() Config {
	c.ReadLimit = positive(c.ReadLimit, 64<<10)
	c.QueueBytes = positive(c.QueueBytes, 1<<20)
	c.HeartbeatInterval = positive(c.HeartbeatInterval, 25*time.Second)
	c.HeartbeatTimeout = positive(c.HeartbeatTimeout, 20*time.Second)
	c.FrameTimeout = positive(c.FrameTimeout, 20*time.Second)
	c.WriteTimeout = positive(c.WriteTimeout, 10*time.Second)
	c.CloseTimeout = positive(c.CloseTimeout, 2*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

func positive[T int | time.Duration](v, byDefault T) T {
	if v > 0 {
		return v
	}
	return byDefault
}
