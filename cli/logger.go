package cli

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
)

// logTuning is which lines a log has and what they look like. It may change
// while they are written.
type logTuning struct {
	level slog.LevelVar
	json  atomic.Bool
}

func newLogger(w io.Writer, c Config) (*slog.Logger, *logTuning) {
	t := &logTuning{}
	t.set(c)
	w = &lockedWriter{w: w}
	options := &slog.HandlerOptions{Level: &t.level}
	return slog.New(&logHandler{t, slog.NewTextHandler(w, options), slog.NewJSONHandler(w, options)}), t
}

func (t *logTuning) set(c Config) {
	t.level.Set(c.LogLevel)
	t.json.Store(c.LogFormat == "json")
}

// lockedWriter keeps the lines of two formats apart: each handler has a lock of
// its own.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lockedWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}

// logHandler writes each line in the format that counts then. Loggers that were
// derived from another follow it, so both formats are derived.
type logHandler struct {
	tuning     *logTuning
	text, json slog.Handler
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.tuning.level.Level()
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.tuning.json.Load() {
		return h.json.Handle(ctx, r)
	}
	return h.text.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.tuning, h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.tuning, h.text.WithGroup(name), h.json.WithGroup(name)}
}
