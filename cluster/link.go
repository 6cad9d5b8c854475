package cluster

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

const (
	// silence after which a link counts as broken: peers say something every second.
	silence      = 4 * time.Second
	writeTimeout = 10 * time.Second
	helloTimeout = 5 * time.Second
	// applying bounds the frames of events of one link that wait for the committer.
	applying = 4
)

var (
	errSelf     = errors.New("it is this node: two nodes must not share a data directory or a copy of it")
	errVersions = errors.New("it speaks no version of the protocol that this node speaks")
	errMute     = errors.New("it has been silent for too long")
	errReplaced = errors.New("a newer link took its place")
	errGone     = errors.New("it has left, or is dead")
	errMoved    = errors.New("another node answers there by now")
	errTwins    = errors.New("another node with its identity is linked: two nodes must not share a data directory or a copy of it")
	errClosing  = errors.New("this node is closing")
)

// link is the connection to one peer. Two goroutines serve it: run reads, write writes.
type link struct {
	// Fixed once the link is up.
	cluster *Cluster
	net     net.Conn
	to      engine.Origin // whom this node dialled; zero where it was dialled
	ws      *gws.Conn
	peer    engine.Origin
	boot    boot   // of the peer
	version string // of the peer's program
	since   time.Time
	met     engine.Position // the peer's, in its hello

	heard  atomic.Int64 // Unix nanoseconds of the last frame
	wake   chan struct{}
	done   chan struct{} // closed by fail
	fault  error         // why; set before done is closed
	failed sync.Once

	// Owned by the reader.
	greeted bool
	apply   chan struct{} // one place for each frame of events that is being applied

	mu  sync.Mutex // after Cluster.mu
	out outbox     // guarded by mu
	snd sender     // guarded by mu

	peerStatus atomic.Pointer[peerStatus]
	stats      linkCounters
}

// peerStatus is what the peer said last of itself.
type peerStatus struct {
	status
	position engine.Position
	received time.Time
	rtt      time.Duration
}

type linkCounters struct {
	bytesSent, bytesReceived, eventsSent, eventsReceived atomic.Uint64
}

// newLink takes a connection to a node, or from one that is yet unknown (to is zero).
func newLink(c *Cluster, conn net.Conn, to engine.Origin) *link {
	l := &link{cluster: c, net: conn, to: to, wake: make(chan struct{}, 1), done: make(chan struct{}), apply: make(chan struct{}, applying)}
	l.snd.wants = map[engine.Origin]uint64{}
	l.out.users = map[engine.ID]engine.Status{}
	l.heard.Store(time.Now().UnixNano())
	return l
}

const gwsBuffer = 32 << 10

// clientSocket makes the WebSocket connection on one that this node dialled and proved.
func clientSocket(l *link) (*gws.Conn, error) {
	ws, _, err := gws.NewClientFromConn(l, &gws.ClientOption{
		Addr: "ws://klatch/link", ReadMaxPayloadSize: maxFrame, ReadBufferSize: gwsBuffer, WriteMaxPayloadSize: maxFrame,
		HandshakeTimeout: helloTimeout, Logger: noLogger{},
	}, l.net)
	return ws, err
}

func serverSocket(l *link) (*gws.Conn, error) {
	if err := l.net.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(l.net, gwsBuffer)
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil, err
	}
	up := gws.NewUpgrader(l, &gws.ServerOption{
		ReadMaxPayloadSize: maxFrame, ReadBufferSize: gwsBuffer, WriteMaxPayloadSize: maxFrame,
		HandshakeTimeout: helloTimeout, Logger: noLogger{},
	})
	ws, err := up.UpgradeFromConn(l.net, br, r)
	if err != nil {
		return nil, err
	}
	return ws, l.net.SetDeadline(time.Time{})
}

// noLogger drops what gws would print: links report their own ends.
type noLogger struct{}

func (noLogger) Error(...any) {}

// run serves a link until it ends, and returns why.
func (l *link) run() error {
	defer rawConn(l.net).Close()
	if !l.cluster.opened(l) {
		return errClosing
	}
	defer l.cluster.unlink(l)
	var err error
	if l.to != 0 {
		l.ws, err = clientSocket(l)
	} else {
		l.ws, err = serverSocket(l)
	}
	if err != nil {
		return fmt.Errorf("open the link: %w", err)
	}
	if err := l.net.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	l.send(l.cluster.hello(l.to))
	written := make(chan struct{})
	go func() { defer close(written); l.write() }()
	l.read()
	l.fail(net.ErrClosed)
	<-written
	return l.fault
}

// read runs gws's loop. gws trusts its peer's frame lengths; ours has proved the
// key, but a mistake there must not end this node.
func (l *link) read() {
	defer func() {
		if r := recover(); r != nil {
			l.fail(fmt.Errorf("%w: %v", errFrame, r))
		}
	}()
	l.ws.ReadLoop()
}

// fail ends the link; only the first reason counts.
func (l *link) fail(err error) {
	l.failed.Do(func() {
		l.fault = err
		close(l.done)
		_ = rawConn(l.net).Close()
	})
}

// rawConn is what to close: TLS would wait for a peer that does not read, to say farewell.
func rawConn(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}

// up reports whether the link works, as far as one can know.
func (l *link) up(now time.Time) bool {
	return now.UnixNano()-l.heard.Load() < int64(silence)
}

// nudge has the writer look for work.
func (l *link) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

var _ gws.Event = (*link)(nil)

// OnOpen implements gws.Event.
func (l *link) OnOpen(*gws.Conn) {}

// OnClose implements gws.Event.
func (l *link) OnClose(_ *gws.Conn, err error) { l.fail(err) }

// OnPing implements gws.Event.
func (l *link) OnPing(*gws.Conn, []byte) {}

// OnPong implements gws.Event.
func (l *link) OnPong(*gws.Conn, []byte) {}

// OnMessage implements gws.Event. It is called for one frame after the other.
func (l *link) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	b := m.Bytes()
	l.heard.Store(time.Now().UnixNano())
	l.stats.bytesReceived.Add(uint64(len(b)))
	if err := l.receive(b); err != nil {
		l.fail(err)
	}
}
