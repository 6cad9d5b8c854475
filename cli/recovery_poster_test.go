package cli_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// recoveryPoster posts to one room, by nodes at random, each post with a nonce
// and as often as it takes to be acknowledged.
type recoveryPoster struct {
	x     *recovery
	room  string
	token string

	// Owned by run, until it has returned.
	acked    map[string]engine.ID // by nonce
	attempts map[string]int
	local    int // acknowledged by one node alone
}

// run posts until the war is over.
func (p *recoveryPoster) run() {
	tick := time.NewTicker(time.Duration(float64(p.x.size.rooms) / p.x.size.rate * float64(time.Second)))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
			p.post(fmt.Sprintf("%s-%d", p.room, n))
		case <-p.x.peace:
			return
		}
	}
}

func (p *recoveryPoster) post(nonce string) {
	deadline := time.Now().Add(crashPatience)
	for {
		p.attempts[nonce]++
		id, durability, err := p.try(nonce)
		if err == nil {
			if p.acked[nonce] = id; durability == client.DurableLocal {
				p.local++
			}
			return
		}
		if time.Now().After(deadline) {
			p.x.t.Errorf("post %s: %v", nonce, err)
			return
		}
		wait := time.NewTimer(10 * time.Millisecond)
		<-wait.C
	}
}

func (p *recoveryPoster) try(nonce string) (id engine.ID, d client.Durability, err error) {
	var m client.Message
	r := p.rest(rand.N(len(p.x.addrs)))
	receipt, err := r.Write(context.Background(), http.MethodPost, "/rooms/"+p.room+"/messages", posting{Body: nonce, Nonce: nonce}, &m)
	if err == nil {
		id, err = engine.ParseID(m.ID)
	}
	return id, receipt.Durability, err
}

func (p *recoveryPoster) rest(node int) client.REST {
	return client.REST{URL: "http://" + p.x.addrs[node], Token: p.token, HTTP: oneShot}
}

// members is how many a node knows in the room.
func (p *recoveryPoster) members(node int) int {
	var room client.Room
	if err := p.rest(node).Do(context.Background(), http.MethodGet, "/rooms/"+p.room, nil, &room); err != nil {
		return 0
	}
	return room.Members
}

// recoveryTruth is a room in the end.
type recoveryTruth struct {
	ids      []engine.ID // ascending
	nonces   map[string][]engine.ID
	repeated map[engine.ID]bool // their posts were repeated
}

// truth reads a node's whole history of the room.
func (p *recoveryPoster) truth(node int) (*recoveryTruth, error) {
	room := &recoveryTruth{nonces: map[string][]engine.ID{}, repeated: map[engine.ID]bool{}}
	for query := "?limit=200"; ; {
		var page client.Page
		if err := p.rest(node).Do(context.Background(), http.MethodGet, "/rooms/"+p.room+"/messages"+query, nil, &page); err != nil {
			return nil, err
		}
		ids := make([]engine.ID, len(page.Items), len(page.Items)+len(room.ids))
		for i, m := range page.Items {
			id, err := engine.ParseID(m.ID)
			if err != nil {
				return nil, err
			}
			ids[i] = id
			room.nonces[m.Nonce] = append(room.nonces[m.Nonce], id)
			room.repeated[id] = p.attempts[m.Nonce] > 1
		}
		room.ids = append(ids, room.ids...)
		if page.Prev == "" {
			return room, nil
		}
		query = "?limit=200&before=" + page.Prev
	}
}

// judge holds the room against what was acknowledged.
func (p *recoveryPoster) judge(room *recoveryTruth, accuse func(crime, what string)) {
	for nonce, id := range p.acked {
		if len(room.nonces[nonce]) == 0 {
			accuse(crimeLost, fmt.Sprintf("%s, acknowledged as %s", nonce, id))
		}
	}
	for nonce, ids := range room.nonces {
		if _, posted := p.attempts[nonce]; !posted || len(ids) > 1 {
			accuse(crimeTwice, fmt.Sprintf("%s is %s", nonce, ids))
		}
	}
}
