package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstDescriptor is SD_LISTEN_FDS_START.
const firstDescriptor = 3

// maxSockets is far more than anybody passes.
const maxSockets = 64

// Listeners are the sockets that the manager has opened for this process, by
// their names (FileDescriptorName= of the socket unit; its default is the unit's
// own name). Two of one name are an error, and so is what cannot be listened on.
func Listeners(getenv func(string) string, pid int) (map[string]net.Listener, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return nil, nil // meant for another process, or for nobody
	}
	count, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || count < 0 || count > maxSockets {
		return nil, fmt.Errorf("LISTEN_FDS=%s is no count of sockets", getenv("LISTEN_FDS"))
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	listeners := map[string]net.Listener{}
	for i := range count {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		l, err := listener(firstDescriptor+i, name)
		if err == nil && listeners[name] != nil {
			_ = l.Close()
			err = fmt.Errorf("two sockets are named %q", name)
		}
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("take the service manager's sockets: %w", err)
		}
		listeners[name] = l
	}
	return listeners, nil
}

// listener takes a descriptor over.
func listener(descriptor int, name string) (net.Listener, error) {
	syscall.CloseOnExec(descriptor)
	f := os.NewFile(uintptr(descriptor), name)
	if f == nil {
		return nil, fmt.Errorf("there is no descriptor %d", descriptor)
	}
	defer f.Close() // FileListener has one of its own
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d, %q: %w", descriptor, name, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the file is the manager's
	}
	return l, nil
}

func closeAll(listeners map[string]net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
