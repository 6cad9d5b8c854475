package cluster

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// transport is the cluster port: one TCP listener and one UDP socket on one
// address. It hands memberlist authentic packets and proven streams, and
// the links and tunnels proven connections; everything else it refuses and counts.
//
// What a stranger can make it hold: maxHandshakes TLS handshakes of handshakeTime
// each, one packet, and the table of refusals.
type transport struct {
	// Static after listen.
	logger     *slog.Logger
	now        func() time.Time
	keys       keys
	hands      *handshaker
	opener     cipher.AEAD
	tcp        *net.TCPListener
	udp        *net.UDPConn
	bound      netip.AddrPort
	advertised netip.AddrPort
	dialler    net.Dialer
	packets    chan *memberlist.Packet
	gossip     chan net.Conn
	linked     chan net.Conn
	tunnels    *tunnels

	turnstile *turnstile
	refused   *refusals

	live context.Context // ends with Shutdown
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	streams map[*stream]struct{} // memberlist's; nil after Shutdown
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

type transportConfig struct {
	Bind, Advertise string
	Key             Key
	Logger          *slog.Logger
	Now             func() time.Time
	Tunnels         int // the most of each direction
}

const (
	takeTime = 2 * time.Second // for a proven connection to be taken

	maxPacket     = 64 << 10 // UDP has none larger
	packetsWait   = 256      // authentic ones; memberlist makes them of 1,400 bytes
	packetBuffer  = 1 << 20  // the kernel's, of all packets
	maxAcceptWait = time.Second
)

// listen opens the cluster port and starts to serve it, until Shutdown.
func listen(cfg transportConfig) (*transport, error) {
	t := &transport{
		logger:    cfg.Logger,
		now:       cfg.Now,
		packets:   make(chan *memberlist.Packet, packetsWait),
		gossip:    make(chan net.Conn),
		linked:    make(chan net.Conn),
		turnstile: newTurnstile(),
		refused:   newRefusals(cfg.Logger, cfg.Now),
		streams:   map[*stream]struct{}{},
		tunnels:   newTunnels(cfg.Tunnels),
	}
	if err := t.prepareKeys(cfg.Key); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	if err := t.openSockets(cfg); err != nil {
		return nil, err
	}
	t.live, t.stop = context.WithCancel(context.Background())
	t.wg.Go(t.acceptAll)
	t.wg.Go(t.receiveAll)
	return t, nil
}

func (t *transport) prepareKeys(key Key) (err error) {
	if t.keys, err = deriveKeys(key); err != nil {
		return err
	}
	if t.hands, err = newHandshaker(t.keys.proof); err != nil {
		return err
	}
	block, err := aes.NewCipher(t.keys.gossip)
	if err != nil {
		return err
	}
	t.opener, err = cipher.NewGCM(block)
	return err
}

func (t *transport) openSockets(cfg transportConfig) (err error) {
	if t.tcp, t.udp, err = openSockets(cfg.Bind); err != nil {
		return err
	}
	// The kernel may grant less, or nothing: gossip bears lost packets.
	_ = t.udp.SetReadBuffer(packetBuffer)
	t.tunnels.addr = t.tcp.Addr()
	at := t.tcp.Addr().(*net.TCPAddr).AddrPort()
	t.bound = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	if !t.bound.Addr().IsUnspecified() {
		t.dialler.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.bound.Addr(), 0))
	}
	if t.advertised, err = advertisedAddress(cfg.Advertise, cfg.Bind, t.bound); err != nil {
		return errors.Join(err, t.tcp.Close(), t.udp.Close())
	}
	return nil
}

// configure makes memberlist use this transport, its key and its log.
func (t *transport) configure(c *memberlist.Config) {
	c.Transport = t
	c.SecretKey = t.keys.gossip
	c.Keyring = nil // made of SecretKey
	c.GossipVerifyIncoming, c.GossipVerifyOutgoing = true, true
	c.Label = "" // authentic knows packets without one
	c.LogOutput = nil
	c.Logger = log.New(newGossipLog(t.logger, t.now), "", 0)
	c.BindAddr, c.BindPort = t.bound.Addr().String(), int(t.bound.Port())
	c.AdvertiseAddr, c.AdvertisePort = t.advertised.Addr().String(), int(t.advertised.Port())
}

// addr is where others reach this node, IP:PORT.
func (t *transport) addr() string { return t.advertised.String() }

// refusals counts the connections and packets that were refused.
func (t *transport) refusals() uint64 { return t.refused.count.Load() }

// links brings connections that want a link, proven. Who takes one owns it.
func (t *transport) links() <-chan net.Conn { return t.linked }

// dialLink connects to another node for a link. Errors match ErrWrongKey and
// ErrNotKlatch, or are the network's. The connection is the caller's.
func (t *transport) dialLink(ctx context.Context, addr string) (net.Conn, error) {
	return t.dial(ctx, addr, linkALPN)
}

func (t *transport) dial(ctx context.Context, addr, protocol string) (*tls.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.live, cancel)()
	conn, err := t.dialler.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	session, err := t.hands.dial(ctx, conn, protocol)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return session, nil
}

// FinalAdvertiseAddr is where others reach this node; memberlist's own settings came from configure.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.advertised.Addr().AsSlice(), int(t.advertised.Port()), nil
}

// DialTimeout connects to another node for memberlist.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.live, timeout)
	defer cancel()
	session, err := t.dial(ctx, addr, gossipALPN)
	if err != nil {
		return nil, err
	}
	if s, ok := t.track(session); ok {
		return s, nil
	}
	return nil, errors.Join(net.ErrClosed, session.Close())
}

// DialAddressTimeout is DialTimeout; names do not matter here.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

// StreamCh brings memberlist the connections that others made for theirs, proven.
func (t *transport) StreamCh() <-chan net.Conn { return t.gossip }

// Shutdown closes the port, the tunnels and memberlist's streams and waits for every goroutine.
// Links that were taken are not its own and live on.
func (t *transport) Shutdown() error {
	t.stop()
	errs := []error{closed(t.tcp.Close()), closed(t.udp.Close())}
	for s := range t.untrackAll() {
		// Past TLS, whose farewell could wait for a peer that does not read.
		errs = append(errs, closed(s.NetConn().Close()))
	}
	t.tunnels.end()
	t.wg.Wait()
	return errors.Join(errs...)
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
