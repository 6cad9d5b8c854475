package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/cli/systemd"
)

// manager is the service manager that started this process, systemd or another
// that speaks like it. A nil manager is nobody. What it cannot be told is logged:
// the node serves all the same.
type manager struct {
	notifier *systemd.Notifier
	interval time.Duration // of its watchdog; 0: none
	unwatch  func()
}

// openManager finds out what the manager wants, and takes the sockets that it has opened.
func openManager(c *Config) (m *manager, err error) {
	m = &manager{unwatch: func() {}}
	if m.interval, err = systemd.WatchdogInterval(os.Getenv, os.Getpid()); err != nil {
		return nil, err
	}
	sockets, err := systemd.Listeners(os.Getenv, os.Getpid())
	if err != nil {
		return nil, err
	}
	if c.inherited, err = newInherited(sockets); err != nil {
		return nil, err
	}
	m.notifier, err = systemd.NewNotifier(os.Getenv)
	return m, err
}

func (m *manager) ready(n *node) {
	if m == nil {
		return
	}
	m.told(n.log, m.notifier.Ready("serving on "+n.public.url()))
	m.unwatch = m.notifier.Watch(m.interval, n.alive, n.log)
}

func (m *manager) reloading(n *node, reload func()) {
	if m == nil {
		reload()
		return
	}
	m.told(n.log, m.notifier.Reloading())
	reload()
	m.told(n.log, m.notifier.Ready("serving on "+n.public.url()))
}

func (m *manager) stopping(n *node) {
	if m != nil {
		m.unwatch()
		m.told(n.log, m.notifier.Stopping())
	}
}

func (m *manager) told(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("the service manager does not listen", "err", err)
	}
}

func (m *manager) close() error {
	if m == nil {
		return nil
	}
	return m.notifier.Close()
}

// The names of sockets that a manager may open, FileDescriptorName= in its unit.
const (
	publicSocket = "public"
	opsSocket    = "ops"
)

// inherited are sockets that the service manager has opened, by name.
type inherited map[string]*net.TCPListener

// newInherited takes a single socket of another name for the public one: the
// manager's default is the name of its unit.
func newInherited(sockets map[string]net.Listener) (inherited, error) {
	if len(sockets) == 0 {
		return nil, nil
	}
	taken := inherited{}
	var errs []error
	for name, l := range sockets {
		if len(sockets) == 1 && name != opsSocket {
			name = publicSocket
		}
		tcp, ok := l.(*net.TCPListener)
		switch {
		case name != publicSocket && name != opsSocket:
			errs = append(errs, fmt.Errorf("the service manager's socket %q: write FileDescriptorName=%s or %s", name, publicSocket, opsSocket))
		case !ok:
			errs = append(errs, fmt.Errorf("the service manager's socket %q is not one of TCP", name))
		default:
			taken[name] = tcp
		}
	}
	if len(errs) == 0 {
		return taken, nil
	}
	for l := range maps.Values(sockets) {
		_ = l.Close()
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return nil, errors.Join(errs...)
}

// listen takes the socket of a name or, without one, the address.
func (i inherited) listen(name, flag, addr string) (*listener, error) {
	if l := i[name]; l != nil {
		return &listener{net: l, failed: make(chan error, 1)}, nil
	}
	return listen(flag, addr)
}
