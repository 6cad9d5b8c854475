package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// user is one account and the one client that writes for it. All its writes are
// made one after the other by one goroutine, so that for each it is known which
// ones came before.
type user struct {
	index int
	name  string
	id    string
	token string

	// Of users who work, owned by their goroutine.
	fleet   *fleet
	rec     *recorder
	rng     *rand.Rand
	rooms   []string // that the user is in for good
	floats  []string // that the user comes to and leaves
	inside  map[string]bool
	session *session

	seq      int
	position string // that the last acknowledged write returned
	base     int    // Seq of the earliest write that it covers
	behind   int    // answers in a row that it is not reached
	mine     []*Op  // posts that can be edited
	posted   map[string]*Op
}

// Bounds of what a user remembers and tries.
const (
	mineKept     = 20
	postAttempts = 8
	callLimit    = 5 * time.Second
	giveUpAfter  = 3 // answers in a row that a node has not caught up
)

// begin starts an operation. It shows the position of the last acknowledged
// write, which covers that write and those in its chain.
func (u *user) begin(kind Kind, room string) *Op {
	u.seq++
	return &Op{Client: u.index, Seq: u.seq, Kind: kind, Room: room, Base: u.baseNow(), Start: u.rec.now()}
}

func (u *user) baseNow() int {
	if u.position == "" {
		return u.seq + 1
	}
	return u.base
}

// send makes one attempt at an operation on a random node, and notes what came of it.
func (u *user) send(ctx context.Context, o *Op, r request) answer {
	n := u.fleet.any()
	r.token, r.after = u.token, u.position
	o.Node, o.Base = n.index, u.baseNow()
	o.Attempts++
	a, err := n.call(ctx, r)
	o.Outcome, o.Why = classify(a, err)
	o.Level = a.durability
	switch o.Why {
	case "unauthorized":
		u.rec.ejected(fmt.Sprintf("user %d was called unauthorized by node %d at %s", u.index, n.index, u.rec.now()))
	case "not_caught_up":
		if u.behind++; u.behind >= giveUpAfter { // what it waits for may have gone with a disk
			u.position, u.behind = "", 0
		}
	default:
		u.behind = 0
	}
	if o.Outcome == Done && o.writes() {
		u.acknowledged(o, a.position, r.after != "")
	}
	return a
}

// acknowledged keeps the position of a write. One that was made at a node that
// had reached the position before carries on its chain.
func (u *user) acknowledged(o *Op, position string, chained bool) {
	u.position = position
	if !chained {
		u.base = o.Seq
	}
}

// classify says what a client can know of an answer.
func classify(a answer, err error) (Outcome, string) {
	var op *net.OpError
	switch {
	case errors.Is(err, errNotRunning), errors.As(err, &op) && op.Op == "dial":
		return Refused, "unreachable"
	case err != nil:
		return Unknown, "no answer"
	case a.status < 300:
		return Done, ""
	case a.status >= 500 && a.code != "not_caught_up":
		return Unknown, a.code
	}
	return Refused, a.code
}

// work is a user's day: operations at random until ctx ends.
func (u *user) work(ctx context.Context, pause time.Duration) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		u.act(ctx)
		next.Reset(time.Duration(u.rng.ExpFloat64() * float64(pause)))
	}
}

// act is one operation, by weight.
func (u *user) act(ctx context.Context) {
	switch d := u.rng.IntN(100); {
	case d < 40:
		u.say(ctx)
	case d < 60:
		u.post(ctx)
	case d < 70:
		u.edit(ctx)
	case d < 74:
		u.remove(ctx)
	case d < 82:
		u.react(ctx)
	case d < 87:
		u.move(ctx)
	case d < 92:
		u.mark(ctx)
	default:
		u.look(ctx)
	}
}

func (u *user) room() string { return u.rooms[u.rng.IntN(len(u.rooms))] }

// request is for paths of a room.
func roomRequest(method, room, path string, body any) request {
	return request{method: method, path: "/rooms/" + room + path, body: body}
}

// look reads a page, or who is there: nothing that is checked, but load that
// stands in the way of what is.
func (u *user) look(ctx context.Context) {
	o := u.begin(Look, u.room())
	path := "/messages?limit=50"
	if u.rng.IntN(4) == 0 {
		path = "/members?limit=200"
	}
	u.send(ctx, o, roomRequest(http.MethodGet, o.Room, path, nil))
	u.rec.end(o)
}
