package web_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer hands each connection to the next node that says it is ready, as a
// load balancer without stickiness does.
type balancer struct {
	probe http.Client

	addrs []string
	turn  atomic.Uint64
}

func newBalancer(nodes []*node) *balancer {
	b := &balancer{probe: http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	for _, n := range nodes {
		b.addrs = append(b.addrs, n.addr)
	}
	return b
}

func (b *balancer) ready(addr string) bool {
	resp, err := b.probe.Get("http://" + addr + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// dial asks each node once.
func (b *balancer) dial() (net.Conn, error) {
	for range b.addrs {
		addr := b.addrs[b.turn.Add(1)%uint64(len(b.addrs))]
		if !b.ready(addr) {
			continue
		}
		if c, err := net.DialTimeout("tcp", addr, 5*time.Second); err == nil {
			return c, nil
		}
	}
	return nil, errors.New("no node is ready")
}

// door is an address of the balancer that one person uses, so that this
// person's network can be cut and the others' not.
type door struct {
	balancer *balancer
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	shut   bool
	conns  map[net.Conn]bool // the persons' ends
	socket string            // the node that the latest WebSocket went to
}

func (b *balancer) door(t *testing.T) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{balancer: b, listener: l, conns: map[net.Conn]bool{}}
	d.work.Go(d.accept)
	t.Cleanup(d.close)
	return d
}

func (d *door) url() string { return "http://" + d.listener.Addr().String() }

func (d *door) accept() {
	for {
		c, err := d.listener.Accept()
		if err != nil {
			return // it was closed
		}
		if !d.enter(c) {
			c.Close()
			continue
		}
		d.work.Go(func() { d.serve(c) })
	}
}

func (d *door) enter(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return false
	}
	d.conns[c] = true
	return true
}

func (d *door) leave(c net.Conn) {
	c.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

const socketRequest = "GET /api/v1/ws"

// serve waits for the request before it picks a node: browsers connect ahead of time.
func (d *door) serve(c net.Conn) {
	defer d.leave(c)
	from := bufio.NewReader(c)
	head, err := from.Peek(len(socketRequest))
	if err != nil {
		return
	}
	to, err := d.balancer.dial()
	if err != nil {
		return
	}
	defer to.Close()
	if string(head) == socketRequest {
		d.mu.Lock()
		d.socket = to.RemoteAddr().String()
		d.mu.Unlock()
	}
	ended := make(chan struct{}, 2)
	d.work.Go(func() { _, _ = io.Copy(c, to); ended <- struct{}{} })
	d.work.Go(func() { _, _ = io.Copy(to, from); ended <- struct{}{} })
	<-ended // and the deferred end the other one
}

// servedBy is the address of the node that has the person's WebSocket.
func (d *door) servedBy() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.socket
}

// cut ends all connections and takes no more of them, until open.
func (d *door) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	for c := range d.conns {
		c.Close()
	}
}

func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = false
}

func (d *door) close() {
	d.listener.Close()
	d.cut()
	d.work.Wait()
}
