package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// warden is the user who looks after the run: it makes the rooms, and its
// messages, the marks, show what has reached whom. Its Ops are in the history like
// all others. It is used by one goroutine.
type warden struct {
	*user
	marks string // the room of its marks
	all   []string
}

// convergePatience is how long nodes may take to have each other's last writes after a fault.
const convergePatience = 60 * time.Second

// mark posts to a room on one node, and repeats that until it is acknowledged.
func (w *warden) mark(ctx context.Context, n *node, room string) (*Op, error) {
	w.seq++
	o := &Op{Client: w.index, Seq: w.seq, Kind: Post, Node: n.index, Room: room, Base: w.seq + 1, Start: w.rec.now()}
	o.Nonce = fmt.Sprintf("w-%d", o.Seq)
	o.Value = "mark " + o.Nonce
	r := roomRequest(http.MethodPost, room, "/messages", map[string]string{"body": o.Value, "nonce": o.Nonce})
	r.token = w.token
	err := poll(ctx, 100*time.Millisecond, func() error {
		o.Attempts++
		var m struct{ ID string }
		a, err := n.must(ctx, r, &m)
		o.Message, o.Level = m.ID, a.durability
		return err
	})
	o.Outcome = Done
	if err != nil {
		o.Outcome, o.Why = Unknown, err.Error()
		err = fmt.Errorf("node %d takes no writes: %w", n.index, err)
	}
	w.rec.end(o)
	return o, err
}

// converge returns when each node shows what has been written last on every
// other. Events of one node come in order: then they show all before it, too.
func (w *warden) converge(ctx context.Context, f *fleet) error {
	ctx, cancel := context.WithTimeout(ctx, convergePatience)
	defer cancel()
	var marks []*Op
	for _, n := range f.nodes {
		o, err := w.mark(ctx, n, w.marks)
		if err != nil {
			return err
		}
		marks = append(marks, o)
	}
	return f.each(func(n *node) error { return w.shows(ctx, n, marks) })
}

// shows returns when a node shows all these messages.
func (w *warden) shows(ctx context.Context, n *node, marks []*Op) error {
	for _, o := range marks {
		r := roomRequest(http.MethodGet, o.Room, "/messages/"+o.Message, nil)
		r.token = w.token
		err := poll(ctx, pollEvery, func() error { _, err := n.must(ctx, r, nil); return err })
		if err != nil {
			return fmt.Errorf("node %d does not show what node %d has acknowledged: %w", n.index, o.Node, err)
		}
	}
	return nil
}

// open makes the users, the rooms and the memberships, and returns when all nodes have them.
func (w *warden) open(ctx context.Context, f *fleet, users []*user) error {
	first := f.nodes[0]
	for _, u := range append(slices.Clone(users), w.user) {
		if err := u.register(ctx, first); err != nil {
			return err
		}
	}
	var rooms []string
	for _, name := range []string{"hall", "yard", "attic", "porch", "cellar", "marks"} {
		var room struct{ ID string }
		_, err := first.must(ctx, request{method: http.MethodPost, path: "/rooms", token: w.token, body: map[string]string{"name": name}}, &room)
		if err != nil {
			return err
		}
		rooms = append(rooms, room.ID)
	}
	w.all, w.marks = rooms, rooms[5]
	for i, u := range users {
		u.rooms, u.floats = []string{rooms[0], rooms[1+i%2]}, rooms[3:5]
		if i%3 == 0 {
			u.rooms = append(u.rooms, rooms[2])
		}
		for _, room := range u.rooms {
			if _, err := first.must(ctx, request{method: http.MethodPost, path: "/rooms/" + room + "/join", token: u.token}, nil); err != nil {
				return err
			}
		}
	}
	return w.converge(ctx, f)
}

func (u *user) register(ctx context.Context, n *node) error {
	var account struct {
		User  struct{ ID string }
		Token string
	}
	_, err := n.must(ctx, request{method: http.MethodPost, path: "/register", body: map[string]string{
		"username": u.name, "password": "correct horse " + u.name,
	}}, &account)
	u.id, u.token = account.User.ID, account.Token
	return err
}

// calm returns when every session has been told of marks in all its rooms, which
// are posted on every node when all nodes have everything: then it has been told of all.
func (w *warden) calm(ctx context.Context, f *fleet, sessions []*session) error {
	ctx, cancel := context.WithTimeout(ctx, convergePatience)
	defer cancel()
	marks := map[string][]string{}
	for _, n := range f.nodes {
		for _, room := range w.all[:3] {
			o, err := w.mark(ctx, n, room)
			if err != nil {
				return err
			}
			marks[room] = append(marks[room], o.Message)
		}
	}
	var errs []error
	for _, s := range sessions {
		var ids []string
		for _, room := range s.rooms {
			ids = append(ids, marks[room]...)
		}
		errs = append(errs, s.await(ctx, ids))
	}
	return errors.Join(errs...)
}
