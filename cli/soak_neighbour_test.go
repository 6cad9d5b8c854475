package cli_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

const (
	neighbourPace     = 50 * time.Millisecond
	neighbourPatience = 30 * time.Second // for an ack, with all reconnecting
	ringFill          = 10 << 20         // more than the hub's ring holds
)

// neighbour is a user who does nothing wrong and must notice nothing.
type neighbour struct {
	s      *soak
	index  int
	rng    *rand.Rand
	client *client.Client

	sent    int             // acknowledged posts; owned by who talks
	latency []time.Duration // of their acks; likewise

	mu      sync.Mutex
	next    [soakNeighbours]int // by sender: the number that must come next
	doubled int
	ends    []string // of its connections
}

// settle connects a neighbour.
func (s *soak) settle(i int) {
	n := &neighbour{s: s, index: i, rng: rand.New(rand.NewPCG(s.seed, uint64(1000+i)))}
	format := client.JSON
	if i%2 == 1 {
		format = client.CBOR
	}
	var err error
	n.client, err = client.Dial(context.Background(), client.Config{
		URL: s.server.URL, Token: s.token(fmt.Sprintf("neighbour-%d", i), time.Now().Add(24*time.Hour), soakGarden),
		Format: format, OnEvent: n.event, OnDisconnect: n.disconnected,
		Backoff: client.Backoff{Min: 5 * time.Millisecond, Max: 100 * time.Millisecond},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.neighbours = append(s.neighbours, n)
}

// talk posts until ctx ends; the last post is seen through.
func (n *neighbour) talk(ctx context.Context) {
	for ctx.Err() == nil {
		size := n.rng.IntN(600)
		if n.rng.IntN(8) == 0 {
			size = 12 << 10
		}
		if !n.post(size) {
			return
		}
		pause(ctx, time.Duration(n.rng.Int64N(int64(2*neighbourPace))))
	}
}

func (n *neighbour) post(size int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), neighbourPatience)
	defer cancel()
	begun := time.Now()
	body := fmt.Sprintf("%d %d %s", n.index, n.sent, strings.Repeat("x", size))
	if _, err := n.client.Post(ctx, client.Post{Room: soakGarden, Body: body}); err != nil {
		n.s.t.Errorf("neighbour %d: post %d: %v", n.index, n.sent, err)
		return false
	}
	n.sent++
	n.latency = append(n.latency, time.Since(begun))
	return true
}

// fillRing makes the server's ring of recent events as large as it gets.
func (s *soak) fillRing() {
	const body = 15 << 10
	var wg sync.WaitGroup
	for _, n := range s.neighbours {
		wg.Go(func() {
			for range ringFill / body / soakNeighbours {
				if !n.post(body) {
					return
				}
				time.Sleep(5 * time.Millisecond) // below the rate
			}
			n.latency = nil
		})
	}
	wg.Wait()
}

func (n *neighbour) event(e client.Event) {
	switch e.Type {
	case client.TypeMessage:
		var m client.Message
		if err := e.Decode(&m); err != nil {
			n.s.t.Error(err)
		}
		n.message(m.Body)
	case client.TypeReset:
		n.s.t.Errorf("neighbour %d: reset: %s", n.index, e.Data)
	}
}

// message holds one against the numbers. What comes again after a reconnect is no fault.
func (n *neighbour) message(body string) {
	var sender, number int
	if _, err := fmt.Sscanf(body, "%d %d ", &sender, &number); err != nil || sender < 0 || sender >= soakNeighbours {
		n.s.t.Errorf("neighbour %d: odd message %.80q", n.index, body)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch want := n.next[sender]; {
	case number == want:
		n.next[sender]++
	case number > want:
		n.s.t.Errorf("neighbour %d: message %d of %d came where %d should", n.index, number, sender, want)
		n.next[sender] = number + 1
	default:
		n.doubled++
	}
}

// disconnected is no fault where the server gave a code after which to come back.
func (n *neighbour) disconnected(err error) {
	if n.s.leaving.Load() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ends = append(n.ends, err.Error())
	var end *client.CloseError
	if errors.As(err, &end) && end.Code == 1006 {
		n.s.t.Errorf("neighbour %d was cut off: %v", n.index, err)
	}
}

// checkNeighbours waits until each has got everything that any has had acknowledged.
func (s *soak) checkNeighbours() {
	var latency []time.Duration
	for _, n := range s.neighbours {
		latency = append(latency, n.latency...)
		for sender, other := range s.neighbours {
			await(s.t, fmt.Sprintf("to neighbour %d, message %d of %d", n.index, other.sent-1, sender), func() bool {
				n.mu.Lock()
				defer n.mu.Unlock()
				return n.next[sender] >= other.sent
			})
		}
		n.mu.Lock()
		if n.next[n.index] > n.sent || (n.doubled > 0 && len(n.ends) == 0) {
			s.t.Errorf("neighbour %d: sent %d, got %d of its own, %d twice on one connection", n.index, n.sent, n.next[n.index], n.doubled)
		}
		s.t.Logf("neighbour %d: posted %d, got %v, %d again after reconnects; its connection ended %d times %q",
			n.index, n.sent, n.next, n.doubled, len(n.ends), n.ends)
		n.mu.Unlock()
	}
	slices.Sort(latency)
	if k := len(latency); k > 0 {
		s.t.Logf("an ack took the neighbours %v in the middle, %v at 99%%, %v at most", latency[k/2], latency[k*99/100], latency[k-1])
	}
}

// pause is false where ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
