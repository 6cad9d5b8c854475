package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

var bg = context.Background()

func TestMessageReachesTheRoomAndNobodyElse(t *testing.T) {
	n := openNode(t)
	ann, bob, eve := n.user("ann"), n.user("bob"), n.user("eve")
	room := n.room("general", ann, bob)
	a, b, e := n.connect(ann, ""), n.connect(bob, ""), n.connect(eve, "")
	m := n.post(ann, room, "hello")
	a.await("own echo", is("message", m.ID))
	b.await("message", is("message", m.ID))
	other := n.room("other", eve)
	e.await("end", is("message", n.post(eve, other, "end").ID))
	for _, v := range e.all() {
		if v.Room == room {
			t.Errorf("eve was told %+v", v)
		}
	}
}

func TestMembershipMovesTheSessions(t *testing.T) {
	n := openNode(t)
	ann, bob := n.user("ann"), n.user("bob")
	room := n.room("general", ann)
	b := n.connect(bob, "")
	if _, _, err := n.Join(bg, bob, room); err != nil {
		t.Fatal(err)
	}
	b.await("join", func(v notice) bool { return v.Type == "member_joined" && v.Room == room })
	b.await("message", is("message", n.post(ann, room, "welcome").ID))
	if _, err := n.RemoveMember(bg, ann, room, bob.User); err != nil {
		t.Fatal(err)
	}
	b.await("leave", func(v notice) bool { return v.Type == "member_left" && v.Room == room })
	n.post(ann, room, "secret")
	d, _, err := n.DirectRoom(bg, ann, []engine.ID{bob.User})
	if err != nil {
		t.Fatal(err)
	}
	b.await("direct room", is("room_created", d.ID))
	b.await("direct message", is("message", n.post(ann, d.ID, "psst").ID))
	for _, v := range b.all() {
		if v.Body == "secret" {
			t.Error("bob heard the room after he was removed")
		}
	}
	again, _, err := n.DirectRoom(bg, bob, []engine.ID{ann.User})
	if err != nil || again.ID != d.ID {
		t.Errorf("the direct room is %s from the other side: %v", again.ID, err)
	}
}

func TestEditDeleteReactRead(t *testing.T) {
	n := openNode(t)
	ann, bob := n.user("ann"), n.user("bob")
	room := n.room("general", ann, bob)
	b := n.connect(bob, "")
	m := n.post(ann, room, "hello @bob and @all")
	if len(m.Mentions) != 1 || m.Mentions[0] != bob.User || !m.Everyone {
		t.Errorf("mentions are %v, %v", m.Mentions, m.Everyone)
	}
	v, err := n.Room(bob, room)
	if err != nil || v.Unread != 1 || v.Mentions != 1 || v.Last == nil || v.Last.ID != m.ID {
		t.Errorf("room is %+v, %v", v, err)
	}
	if _, _, err := n.Edit(bg, bob, room, m.ID, "mine now"); !errors.Is(err, engine.ErrForbidden) {
		t.Errorf("bob edits: %v", err)
	}
	edited, _, err := n.Edit(bg, ann, room, m.ID, "hello")
	if err != nil || edited.Body != "hello" || edited.EditedAt == 0 || len(edited.Mentions) != 0 {
		t.Errorf("edited is %+v, %v", edited, err)
	}
	b.await("edit", func(v notice) bool { return v.Type == "message_edited" && v.Body == "hello" })
	if _, err := n.React(bg, bob, room, m.ID, "👍", false); err != nil {
		t.Fatal(err)
	}
	before := n.Position()
	if _, err := n.React(bg, bob, room, m.ID, "👍", false); err != nil || !n.Position().Equal(before) {
		t.Errorf("the same reaction again: %v", err)
	}
	b.await("reaction", func(v notice) bool { return v.Type == "reaction" && v.Count == 1 })
	got, err := n.Message(bob, room, m.ID)
	if err != nil || len(got.Reactions) != 1 || !got.Reactions[0].Me || got.Reactions[0].Count != 1 {
		t.Errorf("message is %+v, %v", got, err)
	}
	if _, err := n.MarkRead(bg, bob, room, m.ID); err != nil {
		t.Fatal(err)
	}
	if v, err = n.Room(bob, room); err != nil || v.Unread != 0 || v.Mentions != 0 || v.LastRead != m.ID {
		t.Errorf("read room is %+v, %v", v, err)
	}
	if _, err := n.Delete(bg, ann, room, m.ID); err != nil {
		t.Fatal(err)
	}
	b.await("deletion", is("message_deleted", m.ID))
	if got, err = n.Message(bob, room, m.ID); err != nil || !got.Deleted || got.Body != "" {
		t.Errorf("deleted message is %+v, %v", got, err)
	}
	if _, _, err := n.Edit(bg, ann, room, m.ID, "back"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("edit of a deleted message: %v", err)
	}
}

// I7: a nonce within a day is one message, also when many post it at once.
func TestI7NoncesAreIdempotent(t *testing.T) {
	clock := newHandClock()
	n := openNode(t, func(c *engine.Config) { c.Now = clock.now })
	ann, bob := n.user("ann"), n.user("bob")
	room := n.room("general", ann, bob)
	ids := make([]engine.ID, 64)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			m, _, err := n.Post(bg, ann, engine.NewMessage{Room: room, Body: fmt.Sprint(i), Nonce: "once"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = m.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("posts became %s and %s", ids[0], id)
		}
	}
	m, _, err := n.Post(bg, bob, engine.NewMessage{Room: room, Body: "another's", Nonce: "once"})
	if err != nil || m.ID == ids[0] {
		t.Errorf("another user's nonce gave %s, %v", m.ID, err)
	}
	clock.forward(23 * time.Hour)
	if m, _, err := n.Post(bg, ann, engine.NewMessage{Room: room, Body: "repeat", Nonce: "once"}); err != nil || m.ID != ids[0] {
		t.Errorf("23 hours later it gave %s, %v", m.ID, err)
	}
	clock.forward(2 * time.Hour)
	m, _, err = n.Post(bg, ann, engine.NewMessage{Room: room, Body: "new", Nonce: "once"})
	if err != nil || m.ID == ids[0] || m.Body != "new" {
		t.Errorf("25 hours later it gave %+v, %v", m, err)
	}
}

// I8: a wait ends when the position is reached, or in time with not_caught_up.
func TestI8WaitFor(t *testing.T) {
	n := openNode(t)
	ann := n.user("ann")
	room := n.room("general", ann)
	p := n.Position()
	next := p.With(n.store.Origin(), p.Seq(n.store.Origin())+1)
	done := make(chan error, 1)
	go func() { done <- n.WaitFor(bg, next) }()
	n.post(ann, room, "now")
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := n.WaitFor(bg, p.With(engine.Origin(42), 1)); !errors.Is(err, engine.ErrNotCaughtUp) {
		t.Errorf("an origin nobody knows: %v", err)
	}
}

func TestTokensEnd(t *testing.T) {
	clock := newHandClock()
	n := openNode(t, func(c *engine.Config) { c.Now = clock.now })
	ann := n.user("ann")
	_, token, err := n.Login(bg, "ann", "password-ann", "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := n.Authenticate(bg, token)
	if err != nil {
		t.Fatal(err)
	}
	c, d := n.connect(ann, ""), n.connect(second, "")
	if _, err := n.Logout(bg, second); err != nil {
		t.Fatal(err)
	}
	d.awaitClose(engine.CloseReplaced)
	if _, err := n.Authenticate(bg, token); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("a revoked token: %v", err)
	}
	password := "another password"
	_, fresh, _, err := n.UpdateMe(bg, ann, engine.ProfileChange{Password: &password, CurrentPassword: "password-ann"})
	if err != nil {
		t.Fatal(err)
	}
	c.awaitClose(engine.CloseReplaced)
	if _, err := n.Authenticate(bg, fresh); err != nil {
		t.Errorf("the token of the new password: %v", err)
	}
	if _, _, err := n.Login(bg, "ann", "password-ann", ""); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("the old password: %v", err)
	}
	clock.forward(31 * 24 * time.Hour)
	if _, err := n.Authenticate(bg, fresh); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("an expired token: %v", err)
	}
	other := openNode(t)
	other.user("ann")
	_, foreign, err := other.Login(bg, "ann", "password-ann", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Authenticate(bg, foreign); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("another server's token: %v", err)
	}
}

func TestRegistrationModes(t *testing.T) {
	for _, mode := range []engine.Registration{engine.RegistrationOpen, engine.RegistrationInvite, engine.RegistrationClosed} {
		n := openNode(t, func(c *engine.Config) { c.Registration = mode })
		setup, err := n.SetupInvite()
		if err != nil || setup == "" {
			t.Fatalf("%s: no invite for the first administrator: %v", mode, err)
		}
		earlier, err := n.SetupInvite()
		if err != nil {
			t.Fatal(err)
		}
		register := func(name, invite string) (engine.User, error) {
			u, _, _, err := n.Register(bg, engine.Registering{Username: name, Password: "long enough", Invite: invite})
			return u, err
		}
		root, err := register("root", setup)
		if err != nil || !root.Admin() {
			t.Fatalf("%s: the first administrator is %+v, %v", mode, root, err)
		}
		if u, err := register("root3", earlier); err == nil {
			t.Errorf("%s: an earlier setup invite made %+v after there was an administrator", mode, u)
		}
		if again, err := n.SetupInvite(); err != nil || again != "" {
			t.Errorf("%s: there is a second setup invite: %v", mode, err)
		}
		if _, err := register("root2", setup); err == nil {
			t.Errorf("%s: an invite was used twice", mode)
		}
		if _, err := register("walk-in", ""); (err == nil) != (mode == engine.RegistrationOpen) {
			t.Errorf("%s: without an invite: %v", mode, err)
		}
		invite, _, _, err := n.MakeInvite(bg, &engine.Identity{User: root.ID}, false, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := register("guest", invite); (err == nil) != (mode != engine.RegistrationClosed) || u.Admin() {
			t.Errorf("%s: with an invite: %+v, %v", mode, u, err)
		}
	}
}

// TestExternalBelief (I9): what another backend's token said is believed for a
// minute, and never past its end.
func TestExternalBelief(t *testing.T) {
	clock := newHandClock()
	asked, good := 0, true
	n := openNode(t, func(c *engine.Config) {
		c.Now = clock.now
		c.External = func(token string) (engine.ExternalUser, error) {
			asked++
			if !good {
				return engine.ExternalUser{}, errors.New("the key has changed")
			}
			u := engine.ExternalUser{Username: token}
			if token == "brief" {
				u.Expires = clock.now().Add(time.Second)
			}
			return u, nil
		}
	})
	let := func(token string, in bool, times int) {
		t.Helper()
		_, err := n.Authenticate(bg, token)
		if (err == nil) != in || asked != times {
			t.Errorf("%s: %v after asking %d times, want %d", token, err, asked, times)
		}
	}
	let("long", true, 1)
	let("brief", true, 2)
	good = false
	let("long", true, 2)
	let("brief", true, 2)
	clock.forward(time.Second)
	let("brief", false, 3)
	let("long", true, 3)
	clock.forward(time.Minute)
	let("long", false, 4)
}

func TestExternalUsers(t *testing.T) {
	users := map[string]engine.ExternalUser{
		"t-ann": {Username: "ann", DisplayName: "Ann", Rooms: []string{"general", "work"}},
		"t-bob": {Username: "bob", Rooms: []string{"general"}},
	}
	n := openNode(t, func(c *engine.Config) {
		c.External = func(token string) (engine.ExternalUser, error) {
			if u, ok := users[token]; ok {
				return u, nil
			}
			return engine.ExternalUser{}, errors.New("bad signature")
		}
	})
	local := n.user("ann")
	var ids [20]*engine.Identity
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = n.Authenticate(bg, "t-ann"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	u, err := n.FindUser(ids[0].User.String())
	if err != nil || u.DisplayName != "Ann" || u.ID == local.User || u.Username == "ann" {
		t.Errorf("the external ann is %+v, %v; a local account has the name", u, err)
	}
	bob, err := n.Authenticate(bg, "t-bob")
	if err != nil {
		t.Fatal(err)
	}
	room, err := n.FindRoom("general")
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []*engine.Identity{ids[0], bob} {
		if v, err := n.Room(who, room); err != nil || v.Role != engine.RoleMember || v.Members != 2 {
			t.Errorf("general is %+v, %v", v, err)
		}
	}
	before := n.Position()
	if _, err := n.Authenticate(bg, "t-ann"); err != nil || !n.Position().Equal(before) {
		t.Errorf("the second sight wrote something: %v", err)
	}
	if _, err := n.Authenticate(bg, "t-eve"); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("a bad token: %v", err)
	}
}

func TestPresenceAndTyping(t *testing.T) {
	n := openNode(t)
	ann, bob := n.user("ann"), n.user("bob")
	room := n.room("general", ann, bob)
	a := n.connect(ann, "")
	b := n.connect(bob, "")
	status := func(want string) func(notice) bool {
		return func(v notice) bool {
			return v.Type == "presence" && v.User == bob.User.String() && v.Status == want
		}
	}
	a.await("online", status("online"))
	if err := b.session.SetStatus(engine.Busy); err != nil {
		t.Fatal(err)
	}
	a.await("busy", status("busy"))
	if err := b.session.Typing(room); err != nil {
		t.Fatal(err)
	}
	a.await("typing", func(v notice) bool { return v.Type == "typing" && v.User == bob.User.String() })
	if err := b.session.Signal(room, "wave", map[string]any{"n": 1}); err != nil {
		t.Fatal(err)
	}
	a.await("signal", func(v notice) bool { return v.Type == "signal" && v.Name == "wave" })
	ms, _, err := n.Members(ann, room, engine.ID{}, 10)
	if err != nil || len(ms) != 2 || ms[0].Status == engine.Offline || ms[1].Status == engine.Offline {
		t.Errorf("members are %+v, %v", ms, err)
	}
	name := "Bob the Busy"
	if _, _, _, err := n.UpdateMe(bg, bob, engine.ProfileChange{DisplayName: &name}); err != nil {
		t.Fatal(err)
	}
	a.await("new name", is("user_updated", bob.User))
	b.session.Close()
	a.await("offline", status("offline"))
}

func TestDrain(t *testing.T) {
	n := openNode(t)
	ann := n.user("ann")
	var all []*client
	for range 600 { // enough to leave in parts
		all = append(all, n.connect(ann, ""))
	}
	n.Drain()
	for _, c := range all {
		c.awaitClose(engine.CloseLeaving)
	}
	if n.Ready() {
		t.Error("a draining node wants traffic")
	}
	if _, err := n.Connect(bg, ann, newClient(t), plain{}, ""); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("connect while draining: %v", err)
	}
}

// I9: who knows only the old password gets nothing by being quick.
func TestI9PasswordRaces(t *testing.T) {
	n, store := openSly(t)
	ann := n.user("ann")
	password := "password-ann"
	change := func(to string) (string, error) {
		_, token, _, err := n.UpdateMe(bg, ann, engine.ProfileChange{Password: &to, CurrentPassword: password})
		return token, err
	}
	meanwhile := func() {
		if _, err := change("second-password"); err != nil {
			t.Error(err)
		}
	}
	store.credentials = meanwhile
	_, token, err := n.Login(bg, "ann", password, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Authenticate(bg, token); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("a token for the old password holds: %v", err)
	}
	password = "second-password"
	var mine string
	store.credentials = func() {
		if mine, err = change("third-password"); err != nil {
			t.Error(err)
		}
	}
	if _, err := change("the thief's password"); !errors.Is(err, engine.ErrForbidden) {
		t.Errorf("a change by the old password: %v", err)
	}
	if _, err := n.Authenticate(bg, mine); err != nil {
		t.Errorf("the token of the change that won: %v", err)
	}
}

// I6: what waits for the committer is counted in bytes, bodies of edits too.
func TestI6QueuedEditsAreCounted(t *testing.T) {
	n, store := openSly(t)
	ann := n.user("ann")
	m := n.post(ann, n.room("general", ann), "hello")
	stall := make(chan struct{})
	store.begin = func() { <-stall }
	var wg sync.WaitGroup
	var once sync.Once
	body := strings.Repeat("x", 16<<10)
	done := make(chan struct{})
	for range 1400 { // 22 MiB
		wg.Go(func() {
			if _, _, err := n.Edit(bg, ann, m.Room, m.ID, body); errors.Is(err, engine.ErrUnavailable) {
				once.Do(func() { close(done) })
			}
		})
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("no edit was refused")
	}
	close(stall)
	wg.Wait()
}

func TestPasswordsDoNotEndForeignTokens(t *testing.T) {
	n := openNode(t, external("club"))
	zed := n.foreigner("zed")
	z := n.connect(zed, "")
	hash := "x"
	ev := &engine.Event{Origin: 77, Seq: 1, Stamp: engine.StampAt(time.Now()), Kind: engine.KindUserUpdated,
		User: zed.User, Payload: &engine.UserUpdated{Password: &hash}}
	var err error
	if ev.Data, err = n.store.EncodePayload(ev.Payload); err == nil {
		_, err = n.Apply(bg, []*engine.Event{ev})
	}
	if err != nil {
		t.Fatal(err)
	}
	if z.code != 0 {
		t.Errorf("the session was closed with %d", z.code)
	}
}

// I6: a body full of names costs no more than some of them.
func TestI6MentionsAreBounded(t *testing.T) {
	n := openNode(t)
	ann := n.user("ann")
	room := n.room("general", ann)
	if m := n.post(ann, room, strings.Repeat("@nobody ", 99)+"@ann @all"); len(m.Mentions) != 1 || !m.Everyone {
		t.Errorf("mentions are %v, %v", m.Mentions, m.Everyone)
	}
	if m := n.post(ann, room, strings.Repeat("@nobody ", 100)+"@ann @all"); len(m.Mentions) != 0 || !m.Everyone {
		t.Errorf("past the bound mentions are %v, %v", m.Mentions, m.Everyone)
	}
}

// However a session's end and the telling meet, the room hears of it.
func TestPresenceTellsEveryEnd(t *testing.T) {
	n := openNode(t)
	n.StopPresence()
	ann, bob := n.user("ann"), n.user("bob")
	n.room("general", ann, bob)
	b := n.connect(bob, "")
	told := 0
	for i := range 1000 {
		a := n.connect(ann, "")
		n.TellPresence()
		if err := a.session.SetStatus(engine.Busy); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			a.session.Close()
		}()
		for done := false; !done; n.TellPresence() {
			select {
			case <-closed:
				done = true
			default:
			}
		}
		all, last := b.all(), ""
		for _, v := range all[told:] {
			if v.Type == "presence" && v.User == ann.User.String() {
				last = v.Status
			}
		}
		if told = len(all); last != "offline" {
			t.Fatalf("round %d: ann has gone, bob heard %q", i, last)
		}
	}
}
