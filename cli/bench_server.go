package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/klatch-chat/klatch/bench"
)

// ownServer is the server that a bench starts for itself.
type ownServer struct {
	*bench.Server
	said   *tail // its log
	stderr io.Writer
}

// spareConnections are those that a server allows beyond the users: storm has
// one more a room, and who is cut off and comes back is there twice for a moment.
const spareConnections = 1024

// startOwnServer starts this binary on a new data directory.
func startOwnServer(ctx context.Context, stderr io.Writer, cfg bench.Config) (*ownServer, error) {
	connections := cfg.Users + cfg.Rooms
	if err := enoughDescriptors(connections); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp("", "klatch-bench-")
	if err != nil {
		return nil, err
	}
	s := &ownServer{said: &tail{}, stderr: stderr}
	s.Server, err = bench.StartServer(ctx, bench.ServerConfig{Binary: self, Data: data, Stderr: s.said, Args: []string{
		"--max-connections", strconv.Itoa(connections + spareConnections),
		"--max-user-connections", "0", "--max-address-connections", "0",
	}})
	if err != nil {
		if ctx.Err() == nil {
			s.said.print(stderr)
		}
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	return s, nil
}

// enoughDescriptors refuses a load that this machine's limit does not allow:
// server and generator need one a connection, and the server some for its files.
func enoughDescriptors(connections int) error {
	limit, err := raiseDescriptors()
	if err != nil {
		return err
	}
	if n := connectionsFor(limit); n < connections {
		return fmt.Errorf("%d connections need more open files than the %d that a process may have here: raise the hard limit (ulimit -Hn), or use --users %d",
			connections, limit, n-n/20)
	}
	return nil
}

// stop ends the server and removes its data. What it said is shown only when
// it failed, or the run did.
func (s *ownServer) stop(ctx context.Context, run error) error {
	err := s.Stop()
	if err != nil {
		err = fmt.Errorf("the bench's server: %w", err)
	}
	if (err != nil || run != nil) && ctx.Err() == nil {
		s.said.print(s.stderr)
	}
	return errors.Join(err, os.RemoveAll(s.Data))
}
