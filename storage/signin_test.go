package storage

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// permute calls fn with every order of 0 to n-1.
func permute(n int, fn func([]int)) {
	var next func(chosen []int)
	next = func(chosen []int) {
		if len(chosen) == n {
			fn(chosen)
			return
		}
		for i := range n {
			if !slices.Contains(chosen, i) {
				next(append(slices.Clone(chosen), i))
			}
		}
	}
	next(nil)
}

// TestI3SignInOrders: sign-ins, their ends and a new password of as many nodes come in every
// order, one a batch and all in one: a revoked, a void and an expired one are not listed.
func TestI3SignInOrders(t *testing.T) {
	user, password := engine.ID{1}, "new"
	token := func(second int) engine.ID {
		return engine.MakeID(engine.Stamp(second*1000)<<16, 5)
	}
	at := func(i, second int, kind engine.Kind, payload any) *engine.Event {
		return &engine.Event{Origin: engine.Origin(i + 1), Seq: 1, Stamp: engine.Stamp(second*1000) << 16, Kind: kind, User: user, Payload: payload}
	}
	issued := func(i, second, life int) *engine.Event {
		return at(i, second, engine.KindTokenIssued, &engine.TokenIssued{Token: token(second), Expires: engine.Time((second + life) * 1000), Agent: fmt.Sprint("agent ", second)})
	}
	events := []*engine.Event{
		issued(0, 10, 1000), // void by the password
		issued(1, 30, 5),    // expired when 40 signed in
		issued(2, 40, 1000), // stays
		issued(3, 35, 1000), // revoked
		at(4, 50, engine.KindTokenRevoked, &engine.TokenRevoked{Token: token(35), Expires: 1_035_000}),
		at(5, 20, engine.KindUserUpdated, &engine.UserUpdated{Password: &password}),
	}
	want := []engine.SignIn{{ID: token(40), At: 40_000, Expires: 1_040_000, Agent: "agent 40"}}
	permute(len(events), func(order []int) {
		for _, batch := range []int{1, len(events)} {
			if got := listAfterOrder(t, events, order, batch, user); !reflect.DeepEqual(got, want) {
				t.Fatalf("I3: in the order %v, %d a batch: %+v", order, batch, got)
			}
		}
	})
}

// listAfterOrder applies events to a new store and lists the sign-ins; a batch sees what the store shows.
func listAfterOrder(t *testing.T, events []*engine.Event, order []int, size int, user engine.ID) []engine.SignIn {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	var inside []engine.SignIn
	for part := range slices.Chunk(order, size) {
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range part {
			e := *events[i]
			if e.Data, err = s.EncodePayload(e.Payload); err == nil {
				_, _, err = tx.Append(&e)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if inside, err = tx.SignIns(user); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.SignIns(user)
	if err != nil || !reflect.DeepEqual(list, inside) {
		t.Fatalf("the batch sees %+v, the store %+v, %v", inside, list, err)
	}
	return list
}

// TestI6SignInsForgotten: who signs in once a second with tokens of a minute has a
// minute's, and a revocation leaves nothing but itself.
func TestI6SignInsForgotten(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	user := engine.ID{1}
	start := w.stamp
	for i := range engine.Stamp(300) {
		w.stamp = start + i*1000<<16
		e := w.event(engine.KindTokenIssued, engine.ID{}, user, nil)
		e.Payload = &engine.TokenIssued{Token: e.ID(), Expires: e.Stamp.Time() + 60_000}
		var err error
		if e.Data, err = s.EncodePayload(e.Payload); err != nil {
			t.Fatal(err)
		}
		w.append(e)
	}
	list, err := s.SignIns(user)
	if err != nil || len(list) != 60 {
		t.Fatalf("I6: %d sign-ins are kept, %v", len(list), err)
	}
	for _, l := range list {
		w.append(w.event(engine.KindTokenRevoked, engine.ID{}, user, &engine.TokenRevoked{Token: l.ID, Expires: l.Expires}))
	}
	if list, err = s.SignIns(user); err != nil || len(list) != 0 {
		t.Fatalf("%d are left, %v", len(list), err)
	}
}
