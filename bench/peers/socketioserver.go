package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const databaseReady = "ready to accept connections" // both say so

func (r *running) socketIO(ctx context.Context) error {
	r.protocol = socketIO{ordered: true}
	return r.node(ctx, r.files.socketIO)
}

// socketIORedis checks no order by ids: each of the two processes counts for itself.
func (r *running) socketIORedis(ctx context.Context) error {
	r.protocol = socketIO{}
	socket, err := r.redis(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		if err := r.node(ctx, r.files.socketIO, "--redis", socket); err != nil {
			return err
		}
	}
	return nil
}

// socketIOPostgres checks no order by ids either: they come from the database,
// and the pool's connections overtake each other.
func (r *running) socketIOPostgres(ctx context.Context) error {
	r.protocol = socketIO{}
	p, err := r.postgres(ctx)
	if err != nil {
		return err
	}
	if err := r.node(ctx, r.files.socketIO, "--postgres", r.dir); err != nil {
		return err
	}
	r.pids = append(r.pids, children(p.pid())...) // one for each of node's connections
	return nil
}

// node starts a directory's server.mjs.
func (r *running) node(ctx context.Context, dir string, args ...string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		return fmt.Errorf("%w: install Node.js 20 or later, then run npm ci in %s (make bench-peers does)", err, dir)
	}
	program, err := find("node")
	if err != nil {
		return err
	}
	cmd := exec.Command(program, append([]string{"server.mjs"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "API_JWT_SECRET="+string(r.secret))
	return r.listener(ctx, cmd)
}

// redis starts Redis without any files but its socket.
func (r *running) redis(ctx context.Context) (socket string, err error) {
	program, err := find("redis-server")
	if err != nil {
		return "", err
	}
	socket = filepath.Join(r.dir, "redis")
	cmd := exec.Command(program, "--port", "0", "--unixsocket", socket, "--dir", r.dir, "--save", "", "--appendonly", "no")
	_, err = r.process(ctx, cmd, databaseReady, syscall.SIGTERM)
	return socket, err
}

// postgres makes a database cluster with the settings that initdb gives it, and
// serves it on a socket in its directory.
func (r *running) postgres(ctx context.Context) (*process, error) {
	program, err := find("postgres")
	if err != nil {
		return nil, err
	}
	as, err := notRoot()
	if err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(r.dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(filepath.Dir(program), name), args...)
		cmd.Dir, cmd.SysProcAttr = r.dir, &syscall.SysProcAttr{Credential: as}
		return cmd
	}
	initdb := command("initdb", "-D", r.dir, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w:\n%s", err, out)
	}
	serve := command("postgres", "-D", r.dir, "-c", "listen_addresses=", "-c", "unix_socket_directories="+r.dir)
	return r.process(ctx, serve, databaseReady, syscall.SIGINT) // its "fast shutdown"
}

// notRoot is whom to run PostgreSQL as, which refuses to be root: nil for us.
func notRoot() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// programs says how to get what is not ours, and where it is besides in $PATH.
var programs = map[string]struct{ what, elsewhere string }{
	"node":         {"Node.js 20 or later", ""},
	"wrk":          {"the Debian package wrk", ""},
	"redis-server": {"the Debian package redis-server", ""},
	"postgres":     {"the Debian package postgresql", "/usr/lib/postgresql/*/bin/postgres"},
}

// find looks for one of programs, the newest where there are several.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	p := programs[name]
	if found, _ := filepath.Glob(p.elsewhere); len(found) > 0 {
		return slices.Max(found), nil
	}
	return "", fmt.Errorf("%s is not installed: install %s (make bench-peers does)", name, p.what)
}

// children are the processes that a process has started (proc(5)).
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for f := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
