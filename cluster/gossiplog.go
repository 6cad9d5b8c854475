package cluster

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	gossipLogBurst = 20
	gossipLogPause = time.Second
	gossipLogLine  = 512 // bytes of a line; names in it come from the wire
)

// gossipLog makes slog's records of memberlist's lines, "[WARN] memberlist: ...".
// Its rate is bounded, for a recorded packet that is sent again and again is
// authentic and may cost a line each time.
type gossipLog struct {
	logger  *slog.Logger
	now     func() time.Time
	limit   *rate.Limiter
	dropped atomic.Uint64
}

func newGossipLog(logger *slog.Logger, now func() time.Time) *gossipLog {
	return &gossipLog{logger: logger, now: now, limit: rate.NewLimiter(rate.Every(gossipLogPause), gossipLogBurst)}
}

// Write takes one line, as a log.Logger without flags writes it.
func (g *gossipLog) Write(line []byte) (int, error) {
	level, text := parseGossipLine(line)
	if !g.logger.Enabled(context.Background(), level) {
		return len(line), nil
	}
	if !g.limit.AllowN(g.now(), 1) {
		g.dropped.Add(1)
		return len(line), nil
	}
	if n := g.dropped.Swap(0); n > 0 {
		g.logger.Log(context.Background(), level, "gossip: "+text, "lines dropped before", n)
	} else {
		g.logger.Log(context.Background(), level, "gossip: "+text)
	}
	return len(line), nil
}

var gossipLevels = map[string]slog.Level{
	"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "ERR": slog.LevelError, "ERROR": slog.LevelError,
}

// parseGossipLine splits a line; one without a known level is a warning.
func parseGossipLine(line []byte) (slog.Level, string) {
	line = bytes.TrimSpace(line)
	level := slog.LevelWarn
	if rest, ok := bytes.CutPrefix(line, []byte("[")); ok {
		name, text, _ := bytes.Cut(rest, []byte("]"))
		if l, known := gossipLevels[string(name)]; known {
			level, line = l, bytes.TrimSpace(text)
		}
	}
	line = bytes.TrimPrefix(line, []byte("memberlist: "))
	return level, string(line[:min(len(line), gossipLogLine)])
}
