package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// control is how the machine's operator speaks with a running node: HTTP on a
// unix socket in its data directory. Who may open it may do anything with the
// node: the socket's mode is the whole protection, so it is 0600 before anybody
// can connect.
type control struct {
	net     net.Listener
	server  *http.Server
	over    chan struct{} // closed when Serve has ended
	release func()
}

const controlName = "control.sock"

// controlPatience bounds how long a stopping node waits for operators' requests.
const controlPatience = time.Second

// openControl takes the socket. The data directory must be locked: a socket that
// is there already is then one that a dead process left.
func openControl(data string) (*control, error) {
	path, release, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		release()
		return nil, err
	}
	private := net.ListenConfig{Control: makePrivate}
	l, err := private.Listen(context.Background(), "unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600) // where a descriptor's mode does not become the file's
	}
	if err != nil {
		if l != nil {
			l.Close()
		}
		release()
		return nil, err
	}
	return &control{net: l, over: make(chan struct{}), release: release}, nil
}

// makePrivate sets the mode of a socket that has no name yet: bind takes it over.
func makePrivate(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
}

// start answers requests until stop.
func (c *control) start(h http.Handler, log *slog.Logger) {
	c.server = &http.Server{
		Handler: h, ReadHeaderTimeout: headerPatience,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(c.over)
		if err := c.server.Serve(c.net); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("the control socket has broken: klatch cluster cannot reach this node", "err", err)
		}
	}()
}

// stop removes the socket and waits a moment for running requests.
func (c *control) stop() error {
	defer c.release()
	if c.server == nil {
		return c.net.Close()
	}
	if within(controlPatience, c.server.Shutdown) != nil {
		_ = c.server.Close()
	}
	<-c.over
	return nil
}

// maxSocketPath is what the address of a unix socket can hold on every system (unix(7), unix(4)).
const maxSocketPath = 103

// socketPath returns a path to the socket of a data directory that is short enough.
func socketPath(data string) (path string, release func(), err error) {
	path = filepath.Join(data, controlName)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	if path, release, err = shortSocketPath(data); err != nil {
		return "", nil, fmt.Errorf("the path of %s: %w", filepath.Join(data, controlName), err)
	}
	return path, release, nil
}
