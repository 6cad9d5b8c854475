package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// netns is a Network of namespaces. Each node has one with nothing in it but
// its loopback and a TUN device, through which it sees a network of all nodes.
// Every packet that leaves a device comes to this process, which is the wire.
//
// The namespaces have no name and no place in the file system: they are gone with
// the last process and descriptor in them, however this process ends. Clients
// reach a node by sockets that were made inside its namespace.
type netns struct {
	spaces []*space
	lanes  [][]*lane // from, to; nil to oneself
	done   sync.WaitGroup
}

var _ Network = (*netns)(nil)

const (
	netnsPrefix = "10.89.0." // of all nodes; nobody outside the namespaces sees it
	netnsMTU    = 1500
	netnsDevice = "wire0"
)

func nodeAddr(i int) netip.Addr { return netip.MustParseAddr(netnsPrefix + strconv.Itoa(i+1)) }

func openNetns(sites int) (_ Network, err error) {
	n := &netns{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	for i := range sites {
		s, err := newSpace(nodeAddr(i))
		if err != nil {
			return nil, fmt.Errorf("make a network namespace: %w", err)
		}
		n.spaces = append(n.spaces, s)
	}
	for from := range sites {
		n.lanes = append(n.lanes, make([]*lane, sites))
		for to, s := range n.spaces {
			if to != from {
				n.lanes[from][to] = newLane(s.deliver)
			}
		}
	}
	for i := range sites {
		n.done.Go(func() { n.forward(i) })
	}
	return n, nil
}

func (n *netns) Name() string { return Netns }

func (n *netns) Site(i int) Site {
	cluster := netip.AddrPortFrom(nodeAddr(i), 7946).String()
	return Site{Public: "127.0.0.1:8080", Ops: "127.0.0.1:8081", Bind: cluster, Advertise: cluster}
}

func (n *netns) Start(i int, cmd *exec.Cmd) error {
	dieWithUs(cmd)
	return n.spaces[i].do(cmd.Start)
}

func (n *netns) Dial(ctx context.Context, i int, addr string) (c net.Conn, err error) {
	err = n.spaces[i].visit(func() (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		return err
	})
	return c, err
}

func (n *netns) Set(from, to int, r Rule) {
	if from != to {
		n.lanes[from][to].set(r)
	}
}

func (n *netns) Close() error {
	var errs []error
	for _, s := range n.spaces {
		errs = append(errs, s.tun.Close())
	}
	n.done.Wait()
	for _, row := range n.lanes {
		for _, l := range row {
			if l != nil {
				l.close()
			}
		}
	}
	for _, s := range n.spaces {
		s.close()
		errs = append(errs, s.ns.Close())
	}
	return errors.Join(errs...)
}

// forward takes the packets of one node to their lanes, until its device closes.
func (n *netns) forward(from int) {
	b := make([]byte, netnsMTU)
	for {
		size, err := n.spaces[from].tun.Read(b)
		if err != nil {
			return
		}
		if to, ok := n.destination(b[:size]); ok && to != from {
			n.lanes[from][to].send(b[:size])
		}
	}
}

// destination reads the only thing that a wire must know: an IPv4 header
// (RFC 791, 3.1) has the destination in its bytes 16 to 19.
func (n *netns) destination(p []byte) (int, bool) {
	if len(p) < 20 || p[0]>>4 != 4 {
		return 0, false
	}
	to := netip.AddrFrom4([4]byte(p[16:20]))
	for i := range n.spaces {
		if nodeAddr(i) == to {
			return i, true
		}
	}
	return 0, false
}

// space is one network namespace and the thread that lives in it.
type space struct {
	*thread
	tun *os.File
	ns  *os.File
}

func newSpace(addr netip.Addr) (s *space, err error) {
	s = &space{}
	if s.thread, err = newThread(func() error { return s.settle(addr) }); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	return s, nil
}

// settle moves the calling thread into a new namespace and furnishes it.
func (s *space) settle(addr netip.Addr) (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if s.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	if s.tun, err = openTUN(netnsDevice); err != nil {
		return err
	}
	if err := configure("lo", netip.Addr{}); err != nil {
		return err
	}
	return configure(netnsDevice, addr)
}

func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a TUN device: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

// configure gives an interface of this thread's namespace an address, if one is
// named, and takes it up (netdevice(7)).
func configure(name string, addr netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	set := func(what uint, change func(*unix.Ifreq) error) error {
		req, err := unix.NewIfreq(name)
		if err == nil {
			err = change(req)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, what, req)
		}
		if err != nil {
			return fmt.Errorf("configure %s: %w", name, err)
		}
		return nil
	}
	if addr.IsValid() {
		err := errors.Join(
			set(unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(addr.AsSlice()) }),
			set(unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 255, 255, 0}) }))
		if err != nil {
			return err
		}
	}
	return set(unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil })
}

// deliver hands a packet to the node. One that its device cannot take is lost.
func (s *space) deliver(p []byte) { _, _ = s.tun.Write(p) }

// visit runs f on a thread that comes here for it alone: f may take its time.
func (s *space) visit(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(s.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter a network namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

func (s *space) closeFiles() error {
	var errs []error
	for _, f := range []*os.File{s.tun, s.ns} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
