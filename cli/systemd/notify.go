package systemd

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// Notifier tells the service manager of this process. A nil Notifier tells nobody.
type Notifier struct{ conn *net.UnixConn }

// notifyPatience bounds a datagram to a manager that does not read.
const notifyPatience = time.Second

// NewNotifier takes the address in $NOTIFY_SOCKET: a path, or the name of an
// abstract socket after an @. Where there is none the Notifier is nil.
func NewNotifier(getenv func(string) string) (*Notifier, error) {
	address := getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil, nil
	}
	if address[0] != '/' && address[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET=%s is neither a path nor an abstract socket", address)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("reach the service manager: %w", err)
	}
	return &Notifier{conn}, nil
}

// Ready says that the service serves, after its start and after each Reloading.
func (n *Notifier) Ready(status string) error {
	return n.send("READY=1", "STATUS="+oneLine(status))
}

// Reloading says that the configuration is being read again.
func (n *Notifier) Reloading() error {
	return n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// Stopping says that the service ends.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1", "STATUS=draining") }

func (n *Notifier) alive() error { return n.send("WATCHDOG=1") }

// Close tells nothing more.
func (n *Notifier) Close() error {
	if n == nil {
		return nil
	}
	return n.conn.Close()
}

func (n *Notifier) send(lines ...string) error {
	if n == nil {
		return nil
	}
	if err := n.conn.SetWriteDeadline(time.Now().Add(notifyPatience)); err != nil {
		return err
	}
	if _, err := n.conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("tell the service manager %s: %w", lines[0], err)
	}
	return nil
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }
