package bench

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	loopEvents = 256
	loopBytes  = 256 << 10
)

// loop is one epoll set with one goroutine, which does all reading for its
// share of the clients, and all that changes their state.
type loop struct {
	fleet *fleet
	tally tally

	set, bell int // descriptors: the epoll set, and the eventfd that interrupts its wait
	stopped   chan struct{}

	mu   sync.Mutex
	todo []func()
	over bool

	// Owned by the goroutine.
	events [loopEvents]unix.EpollEvent
	buffer []byte
}

// bellIndex marks the bell's events; the others carry a client's index.
const bellIndex = -1

func newLoop(f *fleet) (*loop, error) {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(set)
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &loop{fleet: f, tally: newTally(), set: set, bell: bell, stopped: make(chan struct{}), buffer: make([]byte, loopBytes)}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: bellIndex}
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, bell, &event); err != nil {
		l.closeSet()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	go l.run()
	return l, nil
}

// do has the loop call f, in the order of the calls of do.
func (l *loop) do(f func()) {
	l.mu.Lock()
	first := len(l.todo) == 0
	l.todo = append(l.todo, f)
	l.mu.Unlock()
	if first {
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// stop ends the goroutine, after what was to be done.
func (l *loop) stop() {
	l.do(func() { l.over = true })
	<-l.stopped
}

func (l *loop) closeSet() {
	_ = unix.Close(l.bell)
	_ = unix.Close(l.set)
}

func (l *loop) run() {
	defer close(l.stopped)
	defer l.closeSet()
	for !l.over {
		n, err := unix.EpollWait(l.set, l.events[:], -1)
		if err != nil && err != unix.EINTR {
			return // of a set of ours: cannot be
		}
		for _, e := range l.events[:max(n, 0)] {
			l.handle(e)
		}
	}
}

func (l *loop) handle(e unix.EpollEvent) {
	if e.Fd == bellIndex {
		l.rung()
		return
	}
	c := l.fleet.clients[e.Fd]
	if c.generation != e.Pad {
		return
	}
	if e.Events&unix.EPOLLOUT != 0 {
		l.writable(c)
	}
	if e.Events&^unix.EPOLLOUT != 0 && c.fd >= 0 {
		l.readable(c)
	}
}

func (l *loop) rung() {
	var count [8]byte
	_, _ = unix.Read(l.bell, count[:])
	l.mu.Lock()
	todo := l.todo
	l.todo = nil
	l.mu.Unlock()
	for _, f := range todo {
		f()
	}
}

// connect begins a connection. What becomes of it is told to the fleet.
func (l *loop) connect(c *Client) {
	if c.phase != closed {
		return
	}
	c.phase, c.ready, c.code, c.refusal = connecting, false, codeNone, refusal{}
	c.rest, c.pieces = nil, nil
	if err := l.begin(c); err != nil {
		l.end(c, err)
	}
}

func (l *loop) begin(c *Client) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	c.mu.Lock()
	c.fd, c.out, c.armed = fd, nil, false
	c.generation++
	c.mu.Unlock()
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if c.narrow {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10)
	}
	event := unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(c.Index), Pad: c.generation}
	if err := unix.EpollCtl(l.set, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	address, err := resolve(c.base)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, address); err != nil && err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// interest has epoll report what the client waits for.
func (l *loop) interest(c *Client) {
	event := unix.EpollEvent{Fd: int32(c.Index), Pad: c.generation}
	if c.paused {
		event.Events |= unix.EPOLLET // an end is reported even so: once is enough
	} else {
		event.Events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if c.armed {
		event.Events |= unix.EPOLLOUT
	}
	_ = unix.EpollCtl(l.set, unix.EPOLL_CTL_MOD, c.fd, &event)
}

func (l *loop) writable(c *Client) {
	if c.phase == connecting {
		if err := l.connected(c); err != nil {
			l.end(c, err)
		}
		return
	}
	c.mu.Lock()
	err := l.flushLocked(c)
	c.armed = len(c.out) > 0
	l.interest(c)
	c.mu.Unlock()
	if err != nil {
		l.end(c, err)
	}
}

func (l *loop) connected(c *Client) error {
	code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	if err != nil {
		return os.NewSyscallError("connect", err)
	}
	request, err := c.handshake()
	if err != nil {
		return err
	}
	c.phase = handshaking
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out, request...)
	err = l.flushLocked(c)
	c.armed = len(c.out) > 0
	l.interest(c)
	return err
}

func (l *loop) flushLocked(c *Client) error {
	n, err := unix.Write(c.fd, c.out)
	if c.out = c.out[max(n, 0):]; len(c.out) == 0 {
		c.out = nil
	}
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	return os.NewSyscallError("write", err)
}

// send queues one frame, and writes it where nothing waits. Any goroutine may call it.
func (c *Client) send(op byte, payload []byte) bool {
	scratch := frames.Get().(*[]byte)
	defer frames.Put(scratch)
	p := appendFrame((*scratch)[:0], op, payload)
	*scratch = p
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 || len(c.out) > maxUnsent {
		return false
	}
	if len(c.out) == 0 {
		n, err := unix.Write(c.fd, p)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			return false // the loop hears of it too
		}
		p = p[max(n, 0):]
	}
	if len(p) > 0 {
		c.out = append(c.out, p...)
	}
	if len(c.out) > 0 && !c.armed {
		c.armed = true
		c.loop.interest(c)
	}
	return true
}

// maxUnsent is what may wait for a server that does not read.
const maxUnsent = 1 << 20

var frames = sync.Pool{New: func() any { return new([]byte) }}

// readable reads what has come, behind what was there of an unfinished frame.
func (l *loop) readable(c *Client) {
	if c.paused {
		return // an error or the end, which is always reported; found when it reads again
	}
	for more := true; more; {
		if len(c.rest) > len(l.buffer)/2 {
			l.buffer = make([]byte, 2*len(l.buffer))
		}
		k := copy(l.buffer, c.rest)
		n, err := unix.Read(c.fd, l.buffer[k:])
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			return
		case err != nil:
			l.end(c, os.NewSyscallError("read", err))
			return
		case n == 0:
			l.end(c, errClosed)
			return
		}
		more = n == len(l.buffer)-k
		p := l.buffer[:k+n]
		taken, err := c.consume(p)
		if err != nil {
			l.end(c, err)
			return
		}
		if c.fd < 0 {
			return
		}
		if c.rest = append(c.rest[:0], p[taken:]...); len(c.rest) == 0 && cap(c.rest) > 4<<10 {
			c.rest = nil
		}
	}
}

// end closes the connection and reports it.
func (l *loop) end(c *Client, err error) {
	wasReady := c.ready
	l.hangUp(c)
	l.fleet.ended(c, wasReady, err)
}

// hangUp closes the connection without a word.
func (l *loop) hangUp(c *Client) {
	c.mu.Lock()
	if c.fd >= 0 {
		_ = unix.Close(c.fd)
	}
	c.fd, c.out, c.armed = -1, nil, false
	c.generation++
	c.mu.Unlock()
	c.phase, c.ready, c.rest, c.pieces = closed, false, nil, nil
}

// pause has the client read nothing until it is called again with false.
func (l *loop) pause(c *Client, paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused = paused; c.fd >= 0 {
		l.interest(c)
	}
}

// reset has the next hangUp break the connection, as a crash of the client would.
func (l *loop) reset(c *Client) {
	if c.fd >= 0 {
		_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
}

// resolve reads an address of ours: http://a.b.c.d:port.
func resolve(base string) (*unix.SockaddrInet4, error) {
	a, err := parseBase(base)
	if err != nil {
		return nil, err
	}
	if !a.Addr().Unmap().Is4() {
		return nil, fmt.Errorf("%s: the load generator speaks IPv4", base)
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().Unmap().As4()}, nil
}

var errClosed = errors.New("the server closed the connection")
