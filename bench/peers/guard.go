package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A guard is a process that outlives this one by a moment and clears up what it
// left: deferred calls do not run when a goroutine panics or the program is
// killed. It reads lines from a pipe that ends with us, however we end:
//
//	watch PID SIGNAL   this process is to be ended, by this signal
//	forget PID         it has ended
//	remove DIRECTORY   this directory is to be removed
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

func startGuard() (*guard, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &guard{cmd: exec.Command(self, "guard")}
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's ^C is not for it
	g.cmd.Stderr = os.Stderr
	if g.pipe, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return g, g.cmd.Start()
}

func (g *guard) watch(pid int, end syscall.Signal) error {
	_, err := fmt.Fprintf(g.pipe, "watch %d %d\n", pid, end)
	return err
}

func (g *guard) forget(pid int) error {
	_, err := fmt.Fprintf(g.pipe, "forget %d\n", pid)
	return err
}

func (g *guard) remove(dir string) error {
	_, err := fmt.Fprintf(g.pipe, "remove %s\n", dir)
	return err
}

// close has the guard clear up now.
func (g *guard) close() error { return errors.Join(g.pipe.Close(), g.cmd.Wait()) }

// serveGuard is the guard's process.
func serveGuard(in io.Reader) error {
	watched := map[int]syscall.Signal{}
	var dirs []string
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var pid int
		var end syscall.Signal
		var dir string
		switch line := lines.Text(); {
		case scan(line, "watch %d %d", &pid, &end):
			watched[pid] = end
		case scan(line, "forget %d", &pid):
			delete(watched, pid)
		case scan(line, "remove %s", &dir):
			dirs = append(dirs, dir)
		}
	}
	endOrphans(watched)
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

func scan(line, format string, into ...any) bool {
	n, err := fmt.Sscanf(line, format, into...)
	return err == nil && n == len(into)
}

// endOrphans ends processes that are no children of ours, and waits for them as
// well as that can be done.
func endOrphans(watched map[int]syscall.Signal) {
	for pid, end := range watched {
		_ = syscall.Kill(pid, end) // it may have ended
	}
	for range 50 {
		maps.DeleteFunc(watched, func(pid int, _ syscall.Signal) bool { return !alive(pid) })
		if len(watched) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	for pid := range watched {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// alive tells a process from none, and from one that has ended but that nobody
// has waited for (state Z in proc(5)).
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}
