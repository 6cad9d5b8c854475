package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"github.com/klatch-chat/klatch/bench"
)

// contender is a server that can be started, time after time.
type contender struct {
	name  string
	about string
	tools []string // whose versions matter to it
	does  loads
	start func(r *running, ctx context.Context) error
}

// loads are what a contender can be put under.
type loads struct {
	chat  bool // messages to the room's clients
	pages bool // pages of messages over HTTP
}

// contenders are all servers, in the order of the tables.
var contenders = []contender{
	{"klatch", "every message stored and synced before anybody gets it", []string{"klatch", "wrk"}, loads{chat: true, pages: true}, (*running).klatch},
	{"klatch-socketio", "the same klatch, to clients of Socket.IO", []string{"klatch"}, loads{chat: true}, (*running).klatchSocketIO},
	{"socketio", "Socket.IO, one process, in memory", []string{"socket.io", "node"}, loads{chat: true}, (*running).socketIO},
	{"socketio-redis", "Socket.IO, two processes with the Redis adapter, in memory", []string{"socket.io", "node", "redis-server"}, loads{chat: true}, (*running).socketIORedis},
	{"socketio-pg", "Socket.IO, one process, each message committed by PostgreSQL first", []string{"socket.io", "node", "postgres"}, loads{chat: true}, (*running).socketIOPostgres},
	{"nats", "NATS over WebSocket, in memory", []string{"nats"}, loads{chat: true}, (*running).nats},
	{"bare", "one write(2) for each delivery and nothing else: the floor", nil, loads{chat: true}, (*running).bare},
	{"express", "Express, a process for each core, PostgreSQL, and answers kept in Redis", []string{"express", "compression", "node", "redis-server", "postgres", "wrk"}, loads{pages: true}, (*running).express},
}

// files is where the contenders come from.
type files struct {
	klatch   string // binary
	socketIO string // directory of server.mjs and its node_modules
	express  string // likewise
}

// running is a contender that has been started.
type running struct {
	house *house
	files files
	dir   string // its data, empty at the start

	urls     []string
	protocol bench.Protocol // of chat
	secret   []byte         // of the tokens that pages are asked for with
	pids     []int          // all its processes
	stops    []func() error // in the order of starting
}

// run starts a contender on new data.
func (c contender) run(ctx context.Context, h *house, f files) (*running, error) {
	dir, err := h.room(c.name)
	if err != nil {
		return nil, err
	}
	r := &running{house: h, files: f, dir: dir, stops: []func() error{func() error { return os.RemoveAll(dir) }}}
	if err := c.start(r, ctx); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// stop ends what was started, the last first, and removes the data.
func (r *running) stop() error {
	var errs []error
	for _, stop := range slices.Backward(r.stops) {
		errs = append(errs, stop())
	}
	r.stops = nil
	return errors.Join(errs...)
}

// process starts one of the contender's processes (house.start).
func (r *running) process(ctx context.Context, cmd *exec.Cmd, sign string, end syscall.Signal) (*process, error) {
	p, err := r.house.start(ctx, cmd, sign, end)
	if err != nil {
		return nil, err
	}
	r.pids = append(r.pids, p.pid())
	r.stops = append(r.stops, p.stop)
	return p, nil
}

// listener starts a process that prints the http address where it listens.
func (r *running) listener(ctx context.Context, cmd *exec.Cmd) error {
	p, err := r.process(ctx, cmd, "http://", syscall.SIGTERM)
	if err != nil {
		return err
	}
	r.urls = append(r.urls, p.address())
	return nil
}

func (r *running) klatch(ctx context.Context) error {
	var said tail
	s, err := bench.StartServer(ctx, bench.ServerConfig{Binary: r.files.klatch, Data: r.dir, Stderr: &said})
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, &said)
	}
	r.stops = append(r.stops, func() error { return errors.Join(s.Stop(), r.house.guard.forget(s.PID())) })
	r.urls, r.pids, r.protocol, r.secret = []string{s.URL}, []int{s.PID()}, bench.Klatch(s.Secret), s.Secret
	return r.house.guard.watch(s.PID(), syscall.SIGTERM)
}

func (r *running) klatchSocketIO(ctx context.Context) error {
	if err := r.klatch(ctx); err != nil {
		return err
	}
	r.protocol = bench.KlatchSocketIO(r.secret)
	return nil
}

func (r *running) nats(ctx context.Context) error {
	r.protocol = nats{}
	return r.self(ctx, "serve-nats")
}

func (r *running) bare(ctx context.Context) error {
	r.protocol = bare{}
	return r.self(ctx, "serve-bare")
}

// self starts this program in another role.
func (r *running) self(ctx context.Context, role string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return r.listener(ctx, exec.Command(program, role))
}

// chosen are the contenders of these names.
func chosen(names []string) (list []contender, err error) {
	for _, name := range names {
		i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no server %q", name)
		}
		list = append(list, contenders[i])
	}
	return list, nil
}
