package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

const (
	stallUsers = 30
	stallPosts = 800
	stallBody  = 12 << 10 // together well past a queue and what the kernel holds
)

// I5, I6: of a room's readers one stops reading. The others get everything, the
// server ends the one's connection, and when it reads again it has missed nothing.
func TestI6StalledReaderIsCutOffAndResumes(t *testing.T) {
	x := newCrash(t)
	x.start()
	r := &reader{seen: map[string]int{}, hold: make(chan struct{}), gone: make(chan error, 1)}
	stalled, err := client.Dial(context.Background(), client.Config{
		URL: x.server.URL, Token: x.token(0, "hall"), OnEvent: r.event, Dialer: narrow,
		OnDisconnect: func(err error) {
			select {
			case r.gone <- err:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	others := make([]*reader, stallUsers)
	clients := make([]*client.Client, stallUsers)
	for i := range others {
		others[i] = &reader{seen: map[string]int{}}
		clients[i], err = client.Dial(context.Background(), client.Config{URL: x.server.URL, Token: x.token(i+1, "hall"), OnEvent: others[i].event})
		if err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
	}
	var ids []string
	for i := range stallPosts {
		ctx, cancel := context.WithTimeout(context.Background(), crashPatience)
		p, err := clients[i%stallUsers].Post(ctx, client.Post{Room: "hall", Body: fmt.Sprint(i, strings.Repeat("x", stallBody))})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	for _, o := range others {
		o.await(t, ids)
	}
	close(r.hold)
	select {
	case err := <-r.gone:
		var end *client.CloseError
		if !errors.As(err, &end) || (end.Code != 4008 && end.Code != 1006) {
			t.Errorf("the stalled reader was ended with %v", err)
		}
	case <-time.After(crashPatience):
		t.Fatal("the stalled reader was never cut off")
	}
	r.await(t, ids)
}

// reader counts messages, and reads none while it is held.
type reader struct {
	hold chan struct{} // nil: never held
	gone chan error

	mu   sync.Mutex
	seen map[string]int
}

func (r *reader) event(e client.Event) {
	if e.Type != client.TypeMessage {
		return
	}
	if r.hold != nil {
		<-r.hold
	}
	var m client.Message
	if e.Decode(&m) == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen[m.ID]++
	}
}

func (r *reader) await(t *testing.T, ids []string) {
	t.Helper()
	for _, id := range ids {
		await(t, "message "+id, func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.seen[id] > 0
		})
	}
}

// narrow dials with a small receive buffer, so that the kernel hides little of who does not read.
func narrow(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10) })
		return errors.Join(cerr, err)
	}}
	return d.DialContext(ctx, network, addr)
}
