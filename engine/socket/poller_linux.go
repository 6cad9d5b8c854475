package socket

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// roundEvents is how many connections one epoll_wait reports.
const roundEvents = 64

// poller waits for all parked connections at once: an epoll set with one
// goroutine. The set is itself waited for in the runtime's poller. A blocking
// epoll_wait would take a thread, and keep a processor with it until the
// runtime noticed.
type poller struct {
	// Static after newPoller.
	server *Server
	file   *os.File
	set    syscall.RawConn

	events [roundEvents]unix.EpollEvent // owned by run
	rounds atomic.Uint64                // made by busy readers; for tests
}

func newPoller(s *Server) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	_ = unix.SetNonblock(fd, true) // this has os.NewFile wait in the runtime's poller
	p := &poller{server: s, file: os.NewFile(uintptr(fd), "epoll")}
	if err = p.file.SetReadDeadline(time.Time{}); err == nil {
		p.set, err = p.file.SyscallConn()
	}
	if err != nil {
		_ = p.file.Close()
		return nil, err
	}
	return p, nil
}

// run wakes the connections that have something to read, until stop.
func (p *poller) run() {
	_ = p.set.Read(func(set uintptr) bool {
		for p.take(int(set), p.events[:]) == roundEvents {
		}
		return false
	})
}

// stop ends run, which takes Server.mu: it must not be held here. Whoever parks
// after that reads in a goroutine.
func (p *poller) stop() { _ = p.file.Close() }

// round gives the others their turn from the goroutine of a busy reader. The
// runtime looks at its own poller when a processor is idle, or 10 ms later.
func (p *poller) round() {
	p.rounds.Add(1)
	events := make([]unix.EpollEvent, roundEvents)
	_ = p.set.Control(func(set uintptr) { p.take(int(set), events) })
}

// take wakes those that are ready now and returns how many were reported.
func (p *poller) take(set int, events []unix.EpollEvent) int {
	n, err := unix.EpollWait(set, events, 0)
	for err == unix.EINTR {
		n, err = unix.EpollWait(set, events, 0)
	}
	for _, e := range events[:max(n, 0)] {
		// An id is never used twice, so that what is reported late for a
		// descriptor that is closed by now meets nobody.
		if c := p.server.find(eventID(e)); c != nil {
			c.wake()
		}
	}
	return n
}

// arm has c reported once, at once where bytes wait already. An error or the
// peer's end is reported as well. Both descriptors are held open meanwhile;
// closing c's takes it out of the set.
func (p *poller) arm(c *Conn, again bool) error {
	op := unix.EPOLL_CTL_ADD
	if again {
		op = unix.EPOLL_CTL_MOD
	}
	event := newEvent(c.id)
	var armed, closed error
	err := p.set.Control(func(set uintptr) {
		closed = c.raw.Control(func(fd uintptr) { armed = unix.EpollCtl(int(set), op, int(fd), event) })
	})
	return errors.Join(err, closed, armed)
}

// An event carries 64 bits of ours, which package unix calls Fd and Pad.
func newEvent(id uint64) *unix.EpollEvent {
	return &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT,
		Fd:     int32(id), Pad: int32(id >> 32),
	}
}

func eventID(e unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }
