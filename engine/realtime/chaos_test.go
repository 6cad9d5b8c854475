package realtime

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

var chaosCuts = flag.Int64("realtime.cuts", 400, "connections to cut in TestChaos")

// chaosClient is a client behind the proxy, its view, and its user's traffic.
type chaosClient struct {
	*client.Client
	who   account
	view  *view
	home  engine.ID // never left
	inn   engine.ID // joined and left
	acked []string
	own   []string
}

// TestChaos attacks I5: connections are cut at random bytes while users post, edit,
// delete, react, join and leave, and the node restarts now and then. In the end
// every client's view, made of events alone, is the server's: every event came,
// in order, and exactly once but for repeats by id. Every acknowledged post is there (I1), and
// no post is there twice, however often it was sent (I7).
func TestChaos(t *testing.T) {
	n := newNode(t)
	proxy := newChaosProxy(t, n.http.Listener.Addr().String())
	users := []account{n.register("ann"), n.register("bob"), n.register("cat")}
	home := n.room("home", users[0], users[1:]...)
	inn := n.room("inn", users[0])
	var clients []*chaosClient
	for _, who := range users {
		for _, f := range []client.Format{client.JSON, client.CBOR} {
			c := &chaosClient{who: who, view: newView(who.ID), home: home, inn: inn}
			c.dial(t, proxy, f)
			clients = append(clients, c)
		}
	}
	stop := make(chan struct{})
	var traffic sync.WaitGroup
	for _, c := range clients {
		traffic.Go(func() { c.traffic(t, stop) })
	}
	for restarts := int64(1); restarts <= 3; restarts++ {
		within(t, 10*patience, "enough cuts", func() bool { return proxy.cuts.Load() >= restarts**chaosCuts/4 })
		n.restart()
	}
	within(t, 10*patience, "enough cuts", func() bool { return proxy.cuts.Load() >= *chaosCuts })
	proxy.calm.Store(true)
	close(stop)
	traffic.Wait()
	n.settle(t, clients)
	t.Logf("%d connections cut, %d messages, %d resumed by the first client", proxy.cuts.Load(), len(n.whole(home, users[0])), clients[0].view.resumed)
}

func (c *chaosClient) dial(t *testing.T, proxy *chaosProxy, f client.Format) {
	t.Helper()
	for { // the very first connection may be cut as well
		cl, err := client.Dial(testContext(t), client.Config{
			URL: proxy.url(), Token: c.who.token, Format: f, OnEvent: c.view.apply,
			Backoff: client.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond},
		})
		if err == nil {
			c.Client = cl
			t.Cleanup(func() { _ = cl.Close() })
			return
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func (c *chaosClient) traffic(t *testing.T, stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := c.act(ctx, i); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrClosed) {
			t.Errorf("%s: %v", c.who.Username, err)
		}
		cancel()
	}
}

// act does something. Refusals and broken connections are part of the game.
func (c *chaosClient) act(ctx context.Context, i int) (err error) {
	switch dice := rand.IntN(20); {
	case dice < 8:
		return c.post(ctx, c.home.String(), fmt.Sprintf("%s %p %d", c.who.Username, c, i))
	case dice < 10:
		return c.post(ctx, "inn", fmt.Sprintf("inn %s %p %d", c.who.Username, c, i))
	case dice < 12:
		_, err = c.Join(ctx, "inn")
	case dice < 14:
		_, err = c.Leave(ctx, "inn")
	case len(c.own) == 0:
	case dice < 16:
		_, err = c.Edit(ctx, c.some(), fmt.Sprint("edited ", i))
	case dice < 19:
		_, err = c.React(ctx, c.some(), []string{"👍", "❤️"}[rand.IntN(2)], rand.IntN(3) == 0)
	default:
		_, err = c.Delete(ctx, c.some())
	}
	return err
}

func (c *chaosClient) some() string { return c.own[rand.IntN(len(c.own))] }

func (c *chaosClient) post(ctx context.Context, room, body string) error {
	p, err := c.Post(ctx, client.Post{Room: room, Body: body})
	if err != nil {
		return err
	}
	c.acked = append(c.acked, p.ID)
	c.own = append(c.own, p.ID)
	return nil
}

// settle waits until everybody has everything, and compares.
func (n *node) settle(t *testing.T, clients []*chaosClient) {
	t.Helper()
	last := n.post(clients[0].who, clients[0].home, "the end")
	history := n.whole(clients[0].home, clients[0].who)
	stored, nonces := map[string]bool{}, map[string]bool{}
	for _, m := range append(n.whole(clients[0].inn, clients[0].who), history...) {
		stored[m.ID.String()] = true
		if key := m.User.String() + m.Nonce; m.Nonce != "" && nonces[key] {
			t.Errorf("nonce %s is there twice", m.Nonce)
		} else {
			nonces[key] = true
		}
	}
	for i, c := range clients {
		t.Run(fmt.Sprint(i, c.who.Username), func(t *testing.T) {
			eventually(t, "the last message", func() bool { return c.view.has(last.ID) })
			c.view.equals(t, c.home, history)
			for _, id := range c.acked {
				if !stored[id] {
					t.Errorf("the acknowledged post %s is lost", id)
				}
			}
			role, err := n.store.Role(c.inn, c.who.ID)
			c.view.mu.Lock()
			defer c.view.mu.Unlock()
			if err != nil || c.view.rooms[c.inn.String()] != (role != engine.RoleNone) {
				t.Errorf("the client believes that it is in the inn: %v, its role there is %q (%v)", c.view.rooms[c.inn.String()], role, err)
			}
			if c.view.resumed == 0 {
				t.Error("never resumed: nothing was tested")
			}
		})
	}
}

// whole returns all of a room, oldest first, page by page.
func (n *node) whole(room engine.ID, who account) (all []engine.Message) {
	n.t.Helper()
	r := engine.Range{Limit: engine.MaxPage}
	for {
		page, err := n.engine.History(who.who, room, r)
		if err != nil {
			n.t.Fatal(err)
		}
		all = append(append([]engine.Message(nil), page.Items...), all...)
		if page.Prev == nil {
			return all
		}
		r.Before = *page.Prev
	}
}
