package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Server is a klatch that a bench started, as a process of its own.
type Server struct {
	URL     string
	Metrics string // address of /metrics
	Secret  []byte
	Data    string
	cmd     *exec.Cmd
	exited  chan error
}

// ServerConfig says what to start.
type ServerConfig struct {
	Binary string
	Data   string   // data directory
	Addr   string   // 127.0.0.1:0 if empty
	Secret []byte   // a new one if empty
	Args   []string // further flags of serve
	Stderr io.Writer
}

const (
	startPatience = 30 * time.Second
	stopPatience  = 15 * time.Second
)

// StartServer runs `klatch serve` without rate limits and waits until it has printed its address.
func StartServer(ctx context.Context, c ServerConfig) (*Server, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Secret == nil {
		b := make([]byte, 32)
		rand.Read(b)
		c.Secret = []byte(hex.EncodeToString(b))
	}
	args := append([]string{"serve", "--addr", c.Addr, "--data", c.Data, "--ops-addr", "127.0.0.1:0", "--rate-limit", "off"}, c.Args...)
	s := &Server{Secret: c.Secret, Data: c.Data, cmd: exec.Command(c.Binary, args...), exited: make(chan error, 1)}
	s.cmd.Env = append(environ(), "KLATCH_AUTH_JWT_SECRET="+string(c.Secret))
	s.cmd.Stderr = c.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us, and we end it in order
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	addresses := make(chan string, 2) // public, then ops: the order in which serve prints them
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if address, _, _ := strings.Cut(lines.Text(), " "); strings.HasPrefix(address, "http://") {
				select {
				case addresses <- strings.TrimRight(address, "/"):
				default:
				}
			}
		}
		s.exited <- s.cmd.Wait()
	}()
	patience := time.After(startPatience)
	for _, address := range []*string{&s.URL, &s.Metrics} {
		select {
		case *address = <-addresses:
			continue
		case err := <-s.exited:
			return nil, fmt.Errorf("the server did not start: %w", errors.Join(err, errors.New("see its messages above")))
		case <-patience:
			err = errors.New("the server printed no address in time")
		case <-ctx.Done():
			err = ctx.Err()
		}
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// environ is ours without klatch's own settings: they are for another server.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KLATCH_") })
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the server at once, with SIGKILL.
func (s *Server) Kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	<-s.exited
	return nil
}

// Stop drains the server with SIGTERM, and returns how it ended.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.exited:
		return err
	case <-time.After(stopPatience):
		return errors.Join(errors.New("the server did not drain in time"), s.Kill())
	}
}
