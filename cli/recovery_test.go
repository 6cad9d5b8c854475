package cli_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/engine"
)

var (
	recoveryTime   = flag.Duration("recovery.time", 0, "how long 1,000 clients of Socket.IO recover under fire; 0: a short test with fewer")
	recoveryReport = flag.String("recovery.report", "", "write what became of them to this file")
)

// recoverySize is how much of everything there is.
type recoverySize struct {
	clients, rooms int
	rate           float64       // posts a second
	life           time.Duration // of a connection, on average
	kill           time.Duration // from one to the next
	time           time.Duration
}

func recoveryPlan() recoverySize {
	if *recoveryTime == 0 {
		return recoverySize{clients: 240, rooms: 12, rate: 20, life: 2 * time.Second, kill: 4 * time.Second, time: 12 * time.Second}
	}
	return recoverySize{clients: 1000, rooms: 20, rate: 20, life: 20 * time.Second, kill: 20 * time.Second, time: *recoveryTime}
}

// recovery is one run: clients of Socket.IO, a tenth of them by long-polling,
// on three nodes that are killed; each is cut off again and again and comes back
// to any node with its pid and offset, and now and then with a pid that is nobody's.
type recovery struct {
	t       *testing.T
	size    recoverySize
	group   *group
	addrs   []string
	http    *http.Client // of polling
	clients []*recoveryClient
	posters []*recoveryPoster
	peace   chan struct{} // closes when no client is cut off any more
	kills   int
	crimes  map[string][]string
	settled time.Duration // from peace until every client had everything
}

// I1, I5, I7: whoever comes back, to any node, is told what it missed, or that it
// did; in the end everyone has every message.
func TestI5RecoveryUnderFire(t *testing.T) {
	x := &recovery{t: t, size: recoveryPlan(), peace: make(chan struct{}), crimes: map[string][]string{}}
	x.group = newGroup(t, buildKlatch(t), 3, "--heartbeat-interval", "5s", "--heartbeat-timeout", "5s", "--log-level", "error")
	for _, n := range x.group.nodes {
		x.addrs = append(x.addrs, n.addr)
	}
	// On a kept connection net/http would repeat a poll by itself, and what was
	// sent in answer to the first would be lost. No library of Socket.IO does that.
	x.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	end := sync.OnceFunc(func() { stop(); wg.Wait(); x.http.CloseIdleConnections() })
	t.Cleanup(end)

	x.gather(func(c *recoveryClient) { wg.Go(func() { c.run(ctx) }) })
	x.fight()
	rooms := x.agree()
	x.settle(rooms)
	end()
	x.judge(rooms)
	page := x.page()
	t.Logf("\n%s", page)
	if *recoveryReport != "" {
		if err := os.WriteFile(*recoveryReport, []byte(page), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// gather brings everybody in, and waits until all nodes know of all.
func (x *recovery) gather(start func(*recoveryClient)) {
	x.t.Helper()
	for i := range x.size.rooms {
		room := fmt.Sprintf("room-%d", i)
		x.posters = append(x.posters, &recoveryPoster{
			x: x, room: room, token: x.token("poster-"+fmt.Sprint(i), room), acked: map[string]engine.ID{}, attempts: map[string]int{},
		})
	}
	for i := range x.size.clients {
		room := x.posters[i%x.size.rooms].room
		c := &recoveryClient{x: x, room: room, token: x.token(fmt.Sprintf("client-%d", i), room), polling: i/x.size.rooms%10 == 0, record: newRecoveryRecord()}
		x.clients = append(x.clients, c)
		start(c)
	}
	await(x.t, "everybody", func() bool {
		return !slices.ContainsFunc(x.clients, func(c *recoveryClient) bool { return !c.isReady() })
	})
	for _, p := range x.posters {
		for node := range x.addrs {
			await(x.t, "all members", func() bool { return p.members(node) == x.size.clients/x.size.rooms+1 })
		}
	}
}

func (x *recovery) token(user, room string) string {
	x.t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "rooms": []string{room}, "exp": time.Now().Add(24 * time.Hour).Unix(),
	}).SignedString([]byte(groupSecret))
	if err != nil {
		x.t.Fatal(err)
	}
	return token
}

// fight has posters post, and kills nodes, one at a time, until the time is over.
func (x *recovery) fight() {
	var wg sync.WaitGroup
	for _, p := range x.posters {
		wg.Go(p.run)
	}
	over := sync.OnceFunc(func() { close(x.peace); wg.Wait() })
	x.t.Cleanup(over)
	for begun := time.Now(); time.Since(begun) < x.size.time; {
		x.wait(x.size.kill/2 + rand.N(x.size.kill/2))
		n := x.group.nodes[rand.N(len(x.group.nodes))]
		n.kill()
		x.kills++
		x.wait(rand.N(x.size.kill / 4))
		n.start()
	}
	over()
}

// wait lets the load go on.
func (x *recovery) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

func (x *recovery) atWar() bool {
	select {
	case <-x.peace:
		return false
	default:
		return true
	}
}

// life is how long a connection lives.
func (x *recovery) life() time.Duration {
	return time.Duration(rand.ExpFloat64() * float64(x.size.life))
}

// agree waits until all nodes show the same, and returns it by room.
func (x *recovery) agree() map[string]*recoveryTruth {
	x.t.Helper()
	rooms := map[string]*recoveryTruth{}
	for _, p := range x.posters {
		var shown []*recoveryTruth
		agreed := x.soon(func() bool {
			shown = shown[:0]
			for node := range x.addrs {
				room, err := p.truth(node)
				if err != nil {
					return false
				}
				shown = append(shown, room)
			}
			return len(shown[0].ids) == len(p.acked) && !slices.ContainsFunc(shown, func(r *recoveryTruth) bool { return !slices.Equal(r.ids, shown[0].ids) })
		})
		if len(shown) < len(x.addrs) {
			x.t.Fatalf("nodes do not say what they have of %s", p.room)
		}
		for _, room := range shown[1:] {
			if !agreed && !slices.Equal(room.ids, shown[0].ids) {
				x.accuse(crimeDiffering, p.room)
			}
		}
		if !slices.IsSortedFunc(shown[0].ids, engine.ID.Compare) {
			x.accuse(crimeDisorder, "the history of "+p.room)
		}
		rooms[p.room] = shown[0]
	}
	return rooms
}

// settle waits until every client has everything.
func (x *recovery) settle(rooms map[string]*recoveryTruth) {
	begun := time.Now()
	x.soon(func() bool {
		return !slices.ContainsFunc(x.clients, func(c *recoveryClient) bool { return !c.complete(rooms[c.room]) })
	})
	x.settled = time.Since(begun)
}

// soon waits for what need not come: the judge will see.
func (x *recovery) soon(holds func() bool) bool {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(crashPatience); !holds(); <-look.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (x *recovery) accuse(crime, what string) { x.crimes[crime] = append(x.crimes[crime], what) }

// judge fails the test for each sort of crime, with the first few of it.
func (x *recovery) judge(rooms map[string]*recoveryTruth) {
	for _, p := range x.posters {
		p.judge(rooms[p.room], x.accuse)
	}
	for i, c := range x.clients {
		c.record.judge(rooms[c.room], func(crime, what string) {
			x.accuse(crime, fmt.Sprintf("client %d (polling: %t) of %s: %s", i, c.polling, c.room, what))
		})
		if c.ends.bid+c.ends.refused > 0 {
			x.t.Errorf("client %d was told %d times not to come back, and refused %d times", i, c.ends.bid, c.ends.refused)
		}
	}
	for crime, list := range x.crimes {
		x.t.Errorf("%s: %d\n%s", crime, len(list), strings.Join(list[:min(8, len(list))], "\n"))
	}
}
