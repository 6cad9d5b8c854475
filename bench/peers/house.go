package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startPatience = 30 * time.Second
	stopPatience  = 15 * time.Second
	tailSize      = 4 << 10 // of a process's output, for when it ends badly
)

// house is where the servers live: their processes and their data.
type house struct {
	dir   string // new and empty; servers make directories in it
	guard *guard
}

func openHouse() (*house, error) {
	g, err := startGuard()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "klatch-peers-")
	if err == nil {
		err = errors.Join(g.remove(dir), os.Chmod(dir, 0o711))
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return &house{dir: dir, guard: g}, nil
}

// close removes the data and ends what is left.
func (h *house) close() error { return h.guard.close() }

// room makes a new directory that others may pass through: PostgreSQL has to.
func (h *house) room(name string) (string, error) {
	dir, err := os.MkdirTemp(h.dir, name+"-")
	return dir, errors.Join(err, os.Chmod(dir, 0o711))
}

// process is a server's process.
type process struct {
	house  *house
	cmd    *exec.Cmd
	end    syscall.Signal
	ready  string        // the line that said so
	exited chan struct{} // closed at the end
	err    error         // how it ended; read after exited
	said   tail
}

// start starts a process and waits until it prints a line with sign in it. It
// is in a process group of its own, so that a terminal's ^C reaches us alone
// and we end it with the signal end.
func (h *house) start(ctx context.Context, cmd *exec.Cmd, sign string, end syscall.Signal) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	p := &process{house: h, cmd: cmd, end: end, exited: make(chan struct{})}
	if err := h.guard.watch(p.pid(), end); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill())
	}
	ready := make(chan string, 1)
	go p.read(out, sign, ready)
	return p, p.await(ctx, ready)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// read takes the process's output to its end, and with it the process's.
func (p *process) read(out io.ReadCloser, sign string, ready chan<- string) {
	defer out.Close()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		fmt.Fprintln(&p.said, line)
		if strings.Contains(line, sign) {
			select {
			case ready <- line:
			default: // said before
			}
		}
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

func (p *process) await(ctx context.Context, ready <-chan string) (err error) {
	select {
	case p.ready = <-ready:
		return nil
	case <-p.exited:
	case <-time.After(startPatience):
		err = errors.New("not ready in time")
	case <-ctx.Done():
		err = ctx.Err()
	}
	return fmt.Errorf("%s did not start: %w; it said:\n%s", filepath.Base(p.cmd.Path), errors.Join(err, p.stop()), &p.said)
}

// stop ends the process and waits for its end. That it ended by the signal is no error.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(p.end) // it may have ended
	select {
	case <-p.exited:
	case <-time.After(stopPatience):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return errors.Join(fmt.Errorf("%s had to be killed", filepath.Base(p.cmd.Path)), p.house.guard.forget(p.pid()))
	}
	err := p.err
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == p.end {
		err = nil
	}
	return errors.Join(err, p.house.guard.forget(p.pid()))
}

// address is the http address that a process has printed.
func (p *process) address() string {
	_, rest, _ := strings.Cut(p.ready, "http://")
	return "http://" + rest
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	t.last = t.last[max(0, len(t.last)-tailSize):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}
