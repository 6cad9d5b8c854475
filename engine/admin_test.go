package engine_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// administrator makes a user who administers the server.
func (n *node) administrator(name string) *engine.Identity {
	n.t.Helper()
	_, _, err := n.AddAccount(bg, engine.TheOperator, engine.NewAccount{Username: name, Password: "password-" + name, Admin: true})
	if err != nil {
		n.t.Fatal(err)
	}
	return n.signIn(name, "")
}

func ref[T any](v T) *T { return &v }

// handClock stands still until it is moved. Nodes read it from goroutines of their own.
type handClock struct{ nanos atomic.Int64 }

func newHandClock() *handClock {
	c := &handClock{}
	c.nanos.Store(time.Now().UnixNano())
	return c
}

func (c *handClock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *handClock) forward(d time.Duration) { c.nanos.Add(int64(d)) }

// ok is for writes whose receipt nobody looks at.
func ok(t testing.TB, _ engine.Receipt, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) changed(who, user *engine.Identity, c engine.AccountChange) engine.Account {
	n.t.Helper()
	a, _, err := n.ChangeAccount(bg, who, user.User, c)
	if err != nil {
		n.t.Fatal(err)
	}
	return a
}

// I9: each method of administration, as everybody who is no administrator and as those who are.
func TestI9Administration(t *testing.T) {
	n := openNode(t)
	admin, ann := n.administrator("root"), n.user("ann")
	disabled, banned := n.administrator("disabled"), n.administrator("banned")
	n.changed(engine.TheOperator, disabled, engine.AccountChange{Disabled: ref(true)})
	r, err := n.Ban(bg, engine.TheOperator, engine.Ban{User: banned.User})
	ok(t, r, err)
	room := n.room("garden", ann)
	m := n.post(ann, room, "x")
	nothing := engine.ID{1}
	for name, call := range map[string]func(who *engine.Identity) error{
		"Accounts":   func(who *engine.Identity) error { _, _, err := n.Accounts(who, engine.ID{}, 10); return err },
		"Account":    func(who *engine.Identity) error { _, err := n.Account(who, ann.User); return err },
		"AddAccount": func(who *engine.Identity) error { _, _, err := n.AddAccount(bg, who, engine.NewAccount{}); return err },
		"ChangeAccount": func(who *engine.Identity) error {
			_, _, err := n.ChangeAccount(bg, who, nothing, engine.AccountChange{})
			return err
		},
		"DeleteAccount": func(who *engine.Identity) error { _, err := n.DeleteAccount(bg, who, nothing); return err },
		"SessionsOf":    func(who *engine.Identity) error { _, err := n.SessionsOf(who, ann.User); return err },
		"RevokeSessionOf": func(who *engine.Identity) error {
			_, err := n.RevokeSessionOf(bg, who, ann.User, nothing)
			return err
		},
		"RevokeSessionsOf": func(who *engine.Identity) error { _, err := n.RevokeSessionsOf(bg, who, nothing); return err },
		"IssueToken":       func(who *engine.Identity) error { _, _, _, err := n.IssueToken(bg, who, nothing, "", 0); return err },
		"AllRooms":         func(who *engine.Identity) error { _, _, err := n.AllRooms(who, engine.ID{}, 10); return err },
		"AdminRoom":        func(who *engine.Identity) error { _, err := n.AdminRoom(who, room); return err },
		"AdminCreateRoom": func(who *engine.Identity) error {
			_, _, err := n.AdminCreateRoom(bg, who, ann.User, engine.NewRoom{})
			return err
		},
		"ArchiveRoom":     func(who *engine.Identity) error { _, err := n.ArchiveRoom(bg, who, nothing, true); return err },
		"AdminDeleteRoom": func(who *engine.Identity) error { _, err := n.AdminDeleteRoom(bg, who, nothing); return err },
		"AdminMembers":    func(who *engine.Identity) error { _, _, err := n.AdminMembers(who, room, engine.ID{}, 10); return err },
		"AdminSetMember": func(who *engine.Identity) error {
			_, err := n.AdminSetMember(bg, who, nothing, ann.User, engine.RoleOwner)
			return err
		},
		"AdminMessage":       func(who *engine.Identity) error { _, err := n.AdminMessage(who, m.ID); return err },
		"AdminDeleteMessage": func(who *engine.Identity) error { _, err := n.AdminDeleteMessage(bg, who, nothing); return err },
		"Purge": func(who *engine.Identity) error {
			_, _, err := n.Purge(bg, who, engine.PurgeFilter{User: nothing}, "", true)
			return err
		},
		"MakeInvite":   func(who *engine.Identity) error { _, _, _, err := n.MakeInvite(bg, who, false, "", 0); return err },
		"Invites":      func(who *engine.Identity) error { _, err := n.Invites(who); return err },
		"RevokeInvite": func(who *engine.Identity) error { _, err := n.RevokeInvite(bg, who, nothing); return err },
		"Ban":          func(who *engine.Identity) error { _, err := n.Ban(bg, who, engine.Ban{User: nothing}); return err },
		"Unban":        func(who *engine.Identity) error { _, err := n.Unban(bg, who, engine.Ban{User: nothing}); return err },
		"Bans":         func(who *engine.Identity) error { _, err := n.Bans(who); return err },
	} {
		for i, who := range []*engine.Identity{nil, {}, {User: nothing}, ann, disabled, banned} {
			before := n.Position()
			if err := call(who); !errors.Is(err, engine.ErrForbidden) || !n.Position().Equal(before) {
				t.Errorf("I9: %s as the stranger %d: %v", name, i, err)
			}
		}
		for _, who := range []*engine.Identity{admin, engine.TheOperator} {
			if err := call(who); errors.Is(err, engine.ErrForbidden) || errors.Is(err, &engine.Error{Code: engine.CodeInternal}) {
				t.Errorf("I9: %s as an administrator: %v", name, err)
			}
		}
	}
}

// I9: who is disabled, banned or deleted is refused at once on every node, also by what is
// cached, and live sessions end; taken back, the token holds again.
func TestI9Barred(t *testing.T) {
	external := func(token string) (engine.ExternalUser, error) {
		return engine.ExternalUser{Username: token, Rooms: []string{"hall"}}, nil
	}
	with := func(c *engine.Config) { c.External = external }
	n, far := openNode(t, with), openNode(t, with)
	until := engine.Time(time.Now().Add(time.Hour).UnixMilli())
	for name, c := range map[string]struct {
		bar, lift func(user engine.ID) error
		code      engine.Code
		login     engine.Code
	}{
		"disabled": {
			func(u engine.ID) error {
				_, _, err := n.ChangeAccount(bg, engine.TheOperator, u, engine.AccountChange{Disabled: ref(true)})
				return err
			},
			func(u engine.ID) error {
				_, _, err := n.ChangeAccount(bg, engine.TheOperator, u, engine.AccountChange{Disabled: ref(false)})
				return err
			},
			engine.CodeUnauthorized, engine.CodeUnauthorized,
		},
		"banned": {
			func(u engine.ID) error {
				_, err := n.Ban(bg, engine.TheOperator, engine.Ban{User: u, Reason: "spam", Until: until})
				return err
			},
			func(u engine.ID) error { _, err := n.Unban(bg, engine.TheOperator, engine.Ban{User: u}); return err },
			engine.CodeForbidden, engine.CodeForbidden,
		},
		"deleted": {
			func(u engine.ID) error { _, err := n.DeleteAccount(bg, engine.TheOperator, u); return err }, nil,
			engine.CodeUnauthorized, engine.CodeUnauthorized,
		},
	} {
		t.Run(name, func(t *testing.T) {
			who := n.user("u-" + name)
			_, token, err := n.Login(bg, "u-"+name, "password-u-"+name, "")
			if err != nil {
				t.Fatal(err)
			}
			foreign, err := n.Authenticate(bg, "jwt-"+name)
			if err != nil {
				t.Fatal(err)
			}
			hand(t, n, far)
			clients := []*client{n.connect(who, ""), far.connect(who, ""), n.connect(foreign, ""), far.connect(foreign, "")}
			admitted := func(want engine.Code) {
				t.Helper()
				for i, node := range []*node{n, far} {
					for _, tok := range []string{token, "jwt-" + name} {
						_, err := node.Authenticate(bg, tok)
						if (want == "") != (err == nil) || (err != nil && engine.AsError(err).Code != want) {
							t.Errorf("I9: node %d, %.6s: %v, want %q", i, tok, err, want)
						}
					}
				}
			}
			admitted("")
			start := n.Position()
			for _, id := range []engine.ID{who.User, foreign.User} {
				if err := c.bar(id); err != nil {
					t.Fatal(err)
				}
			}
			before := n.Position()
			hand(t, n, far)
			for _, c := range clients {
				c.awaitClose(engine.CloseReplaced)
				c.session.Close()
			}
			admitted(c.code)
			if !n.Position().Equal(before) {
				t.Error("I9: who was refused has changed something")
			}
			_, _, err = n.Login(bg, "u-"+name, "password-u-"+name, "")
			if engine.AsError(err).Code != c.login {
				t.Errorf("Login: %v", err)
			}
			if _, _, wrong := n.Login(bg, "u-"+name, "not the password", ""); engine.AsError(wrong).Code != engine.CodeUnauthorized ||
				(c.login == engine.CodeUnauthorized && wrong.Error() != err.Error()) {
				t.Errorf("a wrong password is told %v, the right one %v", wrong, err)
			}
			if c.code == engine.CodeForbidden && (!strings.Contains(err.Error(), "spam") || !strings.Contains(err.Error(), until.Std().Format(time.RFC3339))) {
				t.Errorf("the ban is not told: %v", err)
			}
			if _, err := far.Connect(bg, who, newClient(t), plain{}, ""); err == nil {
				t.Error("I9: a session was opened with an identity from before")
			}
			if c.lift == nil {
				return
			}
			for _, id := range []engine.ID{who.User, foreign.User} {
				if err := c.lift(id); err != nil {
					t.Fatal(err)
				}
			}
			hand(t, n, far)
			admitted("")
			// The ring still tells of the ban; who comes back after its end must stay.
			back := n.connect(who, start.String())
			n.post(who, n.room("r-"+name, who), "here again")
			back.await("post", func(v notice) bool { return v.Body == "here again" })
			if back.code != 0 {
				t.Errorf("closed with %d by a ban that has ended", back.code)
			}
		})
	}
}

// The last administrator who is not disabled stays one, but for the operator.
func TestLastAdministrator(t *testing.T) {
	n := openNode(t)
	root, other := n.administrator("root"), n.administrator("other")
	n.changed(root, other, engine.AccountChange{Disabled: ref(true)})
	conflict := func(what string, err error) {
		t.Helper()
		if engine.AsError(err).Code != engine.CodeConflict {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, err := n.ChangeAccount(bg, root, root.User, engine.AccountChange{Admin: ref(false)})
	conflict("demoted", err)
	_, _, err = n.ChangeAccount(bg, root, root.User, engine.AccountChange{Disabled: ref(true)})
	conflict("disabled", err)
	_, err = n.DeleteAccount(bg, root, root.User)
	conflict("deleted", err)
	_, err = n.Ban(bg, root, engine.Ban{User: root.User})
	conflict("banned", err)
	n.changed(root, other, engine.AccountChange{Disabled: ref(false)})
	if a := n.changed(root, root, engine.AccountChange{Admin: ref(false)}); a.Admin() {
		t.Errorf("%+v", a)
	}
	n.changed(engine.TheOperator, other, engine.AccountChange{Admin: ref(false)})
	if link, err := n.SetupInvite(); err != nil || link == "" {
		t.Errorf("without an administrator there is no link: %v", err)
	}
}

// Deleting an account frees its name and ends what it was in; what it wrote stays.
func TestDeleteAccount(t *testing.T) {
	n := openNode(t)
	root, ann, bob := n.administrator("root"), n.user("ann"), n.user("bob")
	room := n.room("garden", ann, bob)
	m := n.post(bob, room, "hello")
	for i := range 205 { // more than one write takes out of
		n.room(fmt.Sprint("room-", i), bob)
	}
	live := n.connect(ann, "")
	for range 2 { // it may be repeated
		r, err := n.DeleteAccount(bg, root, bob.User)
		ok(t, r, err)
	}
	live.await("member_left", func(v notice) bool { return v.Type == "member_left" && v.Room == room })
	a, err := n.Account(root, bob.User)
	if err != nil || !a.Deleted || a.Password || !strings.HasPrefix(a.Username, "deleted-") {
		t.Errorf("%+v, %v", a, err)
	}
	if rooms, _, err := n.JoinedRooms(bob.User, engine.ID{}, 10); err != nil || len(rooms) > 0 {
		t.Errorf("the account is in %d rooms, %v", len(rooms), err)
	}
	if list, err := n.SessionsOf(root, bob.User); err != nil || len(list) > 0 {
		t.Errorf("sign-ins: %v, %v", list, err)
	}
	if got, err := n.Message(ann, room, m.ID); err != nil || got.Body != "hello" {
		t.Errorf("the message is %+v, %v", got, err)
	}
	if _, _, err := n.ChangeAccount(bg, root, bob.User, engine.AccountChange{Disabled: ref(false)}); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("a deleted account was changed: %v", err)
	}
	if again := n.user("bob"); again.User == bob.User {
		t.Error("the name led to the deleted account")
	}
}

func TestAccounts(t *testing.T) {
	n := openNode(t)
	root := n.administrator("root")
	ann := n.user("ann")
	a := n.changed(root, ann, engine.AccountChange{Username: ref("anna"), DisplayName: ref("Anna"), Password: ref("a new password")})
	if a.Username != "anna" || a.DisplayName != "Anna" || !a.Password || a.CreatedAt == 0 || a.LastSignIn == 0 {
		t.Errorf("%+v", a)
	}
	if _, err := n.Sessions(bg, ann); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("I9: an old token after a new password: %v", err)
	}
	if _, _, err := n.Login(bg, "anna", "a new password", ""); err != nil {
		t.Error(err)
	}
	if _, _, err := n.AddAccount(bg, root, engine.NewAccount{Username: "anna"}); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("a taken name: %v", err)
	}
	var names []string
	for after := (engine.ID{}); ; {
		page, next, err := n.Accounts(root, after, 1)
		if err != nil || len(page) != 1 {
			t.Fatal(page, err)
		}
		names = append(names, page[0].Username)
		if after = next; next.IsZero() {
			break
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"anna", "root"}) {
		t.Errorf("listed %q", names)
	}
}

func TestBotTokens(t *testing.T) {
	n := openNode(t)
	root, ann := n.administrator("root"), n.user("ann")
	bot, _, err := n.AddAccount(bg, root, engine.NewAccount{Username: "bot", Bot: true})
	if err != nil || bot.Password {
		t.Fatal(bot, err)
	}
	token, s, _, err := n.IssueToken(bg, root, bot.ID, "build server", 48*time.Hour)
	if err != nil || s.Agent != "build server" || s.Expires-s.At < engine.Time(47*time.Hour/time.Millisecond) {
		t.Fatal(s, err)
	}
	who, err := n.Authenticate(bg, token)
	if err != nil || who.User != bot.ID || who.Token != s.ID {
		t.Fatal(who, err)
	}
	if list, err := n.SessionsOf(root, bot.ID); err != nil || len(list) != 1 || list[0] != s {
		t.Errorf("listed %+v, issued %+v; %v", list, s, err)
	}
	r, err := n.RevokeSessionOf(bg, root, bot.ID, s.ID)
	ok(t, r, err)
	if _, err := n.Authenticate(bg, token); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("I9: a revoked token: %v", err)
	}
	if _, err := n.RevokeSessionOf(bg, root, ann.User, s.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("another user's token: %v", err)
	}
	if _, _, _, err := n.IssueToken(bg, root, ann.User, "", 0); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("a token for a person: %v", err)
	}
	for range engine.SignInLimit {
		if _, _, _, err := n.IssueToken(bg, root, bot.ID, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := n.IssueToken(bg, root, bot.ID, "", 0); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("one token too many: %v", err)
	}
	r, err = n.RevokeSessionsOf(bg, root, bot.ID)
	ok(t, r, err)
	if list, err := n.SessionsOf(root, bot.ID); err != nil || len(list) > 0 {
		t.Errorf("still there: %d, %v", len(list), err)
	}
}

func TestInvitations(t *testing.T) {
	n := openNode(t, func(c *engine.Config) { c.Registration = engine.RegistrationInvite })
	root := n.administrator("root")
	token, made, _, err := n.MakeInvite(bg, root, false, "for ann", time.Hour)
	if err != nil || made.Note != "for ann" || made.By != root.User || made.Used || made.Revoked {
		t.Fatal(made, err)
	}
	gone, revoked, _, err := n.MakeInvite(bg, engine.TheOperator, true, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.RevokeInvite(bg, root, revoked.ID)
	ok(t, r, err)
	join := func(name, invite string) error {
		_, _, _, err := n.Register(bg, engine.Registering{Username: name, Password: "long enough", Invite: invite})
		return err
	}
	if err := join("eve", gone); !errors.Is(err, engine.ErrForbidden) {
		t.Errorf("I9: a revoked invite: %v", err)
	}
	if err := join("ann", token); err != nil {
		t.Error(err)
	}
	if _, err := n.RevokeInvite(bg, root, made.ID); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("a used invite was revoked: %v", err)
	}
	list, err := n.Invites(root)
	if err != nil || len(list) != 2 || list[0].ID != revoked.ID || !list[0].Revoked || !list[0].Admin || list[1].ID != made.ID || !list[1].Used {
		t.Errorf("listed %+v, %v", list, err)
	}
}

// placed is a client that says where it is.
type placed struct {
	*client
	address netip.Addr
}

func (p placed) Address() netip.Addr { return p.address }

func (n *node) connectFrom(who *engine.Identity, address string) placed {
	n.t.Helper()
	c := placed{newClient(n.t), netip.MustParseAddr(address)}
	s, err := n.Connect(bg, who, c, plain{}, "")
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(s.Close)
	return c
}

// I9: a banned network is refused and cut off on every node, also one that was opened again.
func TestI9NetworkBan(t *testing.T) {
	clock := newHandClock()
	with := func(c *engine.Config) {
		c.Now = clock.now
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	}
	n, far := openNode(t, with), openNode(t, with)
	root, ann := n.administrator("root"), n.user("ann")
	hand(t, n, far)
	inside, outside, elsewhere := n.connectFrom(ann, "203.0.113.9"), n.connectFrom(ann, "203.0.112.9"), far.connectFrom(ann, "203.0.113.77")
	r, err := n.Ban(bg, root, engine.Ban{Network: "203.0.113.9/24", Reason: "floods"})
	ok(t, r, err)
	hand(t, n, far)
	inside.awaitClose(engine.CloseReplaced)
	elsewhere.awaitClose(engine.CloseReplaced)
	n.post(ann, n.room("lobby", ann), "still here")
	outside.await("post", func(v notice) bool { return v.Body == "still here" })
	if outside.code != 0 {
		t.Errorf("a neighbour was closed with %d", outside.code)
	}
	if _, err := far.Connect(bg, ann, placed{newClient(t), netip.MustParseAddr("203.0.113.1")}, plain{}, ""); !errors.Is(err, engine.ErrForbidden) {
		t.Errorf("I9: a session from a banned network: %v", err)
	}
	for _, ban := range []engine.Ban{
		{Network: "127.0.0.0/8"}, {Network: "10.1.0.0/16"}, {Network: "10.9.9.9"}, {Network: "2001:db8::/32", Until: engine.Time(clock.now().Add(time.Hour).UnixMilli())},
		{Network: "::ffff:192.0.2.0/120"},
	} {
		r, err := n.Ban(bg, root, ban)
		ok(t, r, err)
	}
	look := func(n *node, want map[string]bool) {
		t.Helper()
		for address, banned := range want {
			if ban, got := n.AddressBan(netip.MustParseAddr(address)); got != banned {
				t.Errorf("I9: %s is banned: %v, %+v", address, got, ban)
			}
		}
	}
	want := map[string]bool{
		"203.0.113.0": true, "203.0.113.255": true, "::ffff:203.0.113.7": true, "203.0.114.0": false,
		"127.0.0.1": false, "10.1.2.3": false, "10.9.9.9": true, "2001:db8:1::1": true, "fe80::1%eth0": false,
		"192.0.2.200": true, "192.0.3.1": false,
	}
	look(n, want)
	hand(t, n, far)
	look(far, want)
	clock.forward(2 * time.Hour)
	want["2001:db8:1::1"] = false
	r, err = n.Unban(bg, root, engine.Ban{Network: "203.0.113.0/24"})
	ok(t, r, err)
	want["203.0.113.0"], want["203.0.113.255"], want["::ffff:203.0.113.7"] = false, false, false
	look(n, want)
	if _, err := n.Unban(bg, root, engine.Ban{Network: "203.0.113.0/24"}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("lifted twice: %v", err)
	}
	if list, err := n.Bans(root); err != nil || len(list) != 4 {
		t.Errorf("%+v, %v", list, err)
	}
	for _, bad := range []engine.Ban{{}, {User: ann.User, Network: "192.0.2.1"}, {Network: "nowhere"}, {Network: "::/0", Until: 1}, {Network: "::ffff:0:0/90"}} {
		if _, err := n.Ban(bg, root, bad); engine.AsError(err).Code != engine.CodeInvalidField {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// I9: bans are there again when the node is opened again, and where its snapshot is installed.
func TestI9BansSurvive(t *testing.T) {
	fs := vfs.NewMem()
	n := openNodeOn(t, fs)
	ann := n.user("ann")
	for _, ban := range []engine.Ban{{User: ann.User}, {Network: "203.0.113.0/24"}, {Network: "192.0.2.0/24"}} {
		r, err := n.Ban(bg, engine.TheOperator, ban)
		ok(t, r, err)
	}
	r, err := n.Unban(bg, engine.TheOperator, engine.Ban{Network: "192.0.2.0/24"})
	ok(t, r, err)
	n.shut()
	n = openNodeOn(t, fs)
	far := openNode(t)
	if err := far.Install(bg, seedOf(t, n, far)); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*node{n, far} {
		_, inside := node.AddressBan(netip.MustParseAddr("203.0.113.1"))
		_, lifted := node.AddressBan(netip.MustParseAddr("192.0.2.1"))
		if list, err := node.Bans(engine.TheOperator); err != nil || len(list) != 2 || !inside || lifted {
			t.Errorf("%+v, %v, inside %v, lifted %v", list, err, inside, lifted)
		}
		if _, err := node.Sessions(bg, ann); !errors.Is(err, engine.ErrForbidden) {
			t.Errorf("the user: %v", err)
		}
	}
}

// I6: there are so many bans and no more; those that have ended make room.
func TestI6TooManyBans(t *testing.T) {
	clock := newHandClock()
	n := openNode(t, func(c *engine.Config) { c.Now = clock.now })
	n.LimitBans(3)
	ban := func(i int, until engine.Time) error {
		_, err := n.Ban(bg, engine.TheOperator, engine.Ban{Network: fmt.Sprintf("192.0.2.%d", i), Until: until})
		return err
	}
	hour := engine.Time(clock.now().Add(time.Hour).UnixMilli())
	for i := range 3 {
		if err := ban(i, hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := ban(3, hour); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("one too many: %v", err)
	}
	if err := ban(2, 0); err != nil {
		t.Errorf("one that is there, changed: %v", err)
	}
	clock.forward(2 * time.Hour)
	if err := ban(4, 0); err != nil {
		t.Errorf("where two have ended: %v", err)
	}
	if list, err := n.Bans(engine.TheOperator); err != nil || len(list) != 2 || list[0].Network != "192.0.2.2/32" {
		t.Errorf("%+v, %v", list, err)
	}
}

// Archived rooms can be read and left, and nothing else.
func TestArchivedRoom(t *testing.T) {
	n := openNode(t, func(c *engine.Config) {
		c.External = func(token string) (engine.ExternalUser, error) {
			return engine.ExternalUser{Username: token, Rooms: []string{"garden"}}, nil
		}
	})
	root, ann, bob := n.administrator("root"), n.user("ann"), n.user("bob")
	room := n.room("garden", ann, bob)
	m := n.post(ann, room, "old")
	live := n.connect(ann, "")
	r, err := n.ArchiveRoom(bg, root, room, true)
	ok(t, r, err)
	live.await("room_updated", is("room_updated", room))
	_, _, post := n.Post(bg, ann, engine.NewMessage{Room: room, Body: "x"})
	_, _, edit := n.Edit(bg, ann, room, m.ID, "y")
	_, react := n.React(bg, bob, room, m.ID, "+1", false)
	_, _, join := n.Join(bg, root, room)
	_, invite := n.SetMember(bg, ann, room, root.User, engine.RoleMember)
	_, admin := n.AdminSetMember(bg, root, room, root.User, engine.RoleMember)
	_, _, rename := n.UpdateRoom(bg, ann, room, engine.RoomChange{Topic: ref("t")})
	for what, err := range map[string]error{"post": post, "edit": edit, "react": react, "join": join, "invite": invite, "admin": admin, "rename": rename} {
		if e := engine.AsError(err); err == nil || e.Code != engine.CodeConflict || e.Message != "the room is archived" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p, err := n.History(bob, room, engine.Range{Limit: 5}); err != nil || len(p.Items) != 1 {
		t.Errorf("reading: %v", err)
	}
	if list, _, err := n.PublicRooms(ann, "", 10); err != nil || len(list) != 0 {
		t.Errorf("listed as public: %+v, %v", list, err)
	}
	if list, _, err := n.JoinedRooms(ann.User, engine.ID{}, 10); err != nil || len(list) != 1 || !list[0].Archived {
		t.Errorf("joined: %+v, %v", list, err)
	}
	jwt, err := n.Authenticate(bg, "jwt")
	if err != nil {
		t.Fatal(err)
	}
	before := n.Position()
	if _, err := n.Authenticate(bg, "jwt"); err != nil || !n.Position().Equal(before) {
		t.Errorf("a token that names an archived room writes each time: %v", err)
	}
	r, err = n.Leave(bg, bob, room)
	ok(t, r, err)
	r, err = n.ArchiveRoom(bg, root, room, false)
	ok(t, r, err)
	n.post(ann, room, "new")
	if _, err := n.Authenticate(bg, "jwt"); err != nil {
		t.Error(err)
	}
	if role, err := n.Store().Role(room, jwt.User); err != nil || role != engine.RoleMember {
		t.Errorf("the token's room after it was opened: %v, %v", role, err)
	}
}

// I9: an administrator manages private rooms, and reads those alone that he is in.
func TestI9PrivateRooms(t *testing.T) {
	n := openNode(t)
	root, ann, bob := n.administrator("root"), n.user("ann"), n.user("bob")
	v, _, err := n.CreateRoom(bg, ann, engine.NewRoom{Name: "cellar", Private: true})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := n.DirectRoom(bg, ann, []engine.ID{bob.User})
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []engine.ID{v.ID, d.ID} {
		m := n.post(ann, room, "hush")
		if _, err := n.AdminMessage(root, m.ID); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("I9: read by an administrator: %v", err)
		}
		if got, err := n.AdminMessage(engine.TheOperator, m.ID); err != nil || got.Body != "hush" {
			t.Errorf("the operator: %+v, %v", got, err)
		}
		r, err := n.AdminDeleteMessage(bg, root, m.ID)
		ok(t, r, err)
		if got, err := n.Message(ann, room, m.ID); err != nil || !got.Deleted {
			t.Errorf("not deleted: %+v, %v", got, err)
		}
	}
	rooms, next, err := n.AllRooms(root, engine.ID{}, 10)
	if err != nil || len(rooms) != 2 || !next.IsZero() || rooms[0].CreatedAt == 0 || rooms[0].Last == nil {
		t.Errorf("%+v, %v", rooms, err)
	}
	if _, err := n.AdminSetMember(bg, root, d.ID, root.User, engine.RoleMember); engine.AsError(err).Code != engine.CodeConflict {
		t.Errorf("I9: into a direct room: %v", err)
	}
	r, err := n.AdminSetMember(bg, root, v.ID, bob.User, engine.RoleOwner)
	ok(t, r, err)
	if list, _, err := n.AdminMembers(root, v.ID, engine.ID{}, 10); err != nil || len(list) != 2 || list[1].RoomRole != engine.RoleOwner {
		t.Errorf("%+v, %v", list, err)
	}
	r, err = n.AdminDeleteRoom(bg, root, v.ID)
	ok(t, r, err)
	if _, err := n.AdminRoom(root, v.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a deleted room: %v", err)
	}
}

// A purge takes what its filter says, in bounded steps, and nothing else.
func TestPurge(t *testing.T) {
	clock := newHandClock()
	n := openNode(t, func(c *engine.Config) { c.Now = clock.now })
	root, ann, bob := n.administrator("root"), n.user("ann"), n.user("bob")
	rooms := []engine.ID{n.room("a", ann, bob), n.room("b", ann, bob), n.room("empty", ann)}
	posts := map[engine.ID]engine.Message{}
	for i := range 700 {
		clock.forward(time.Second)
		for _, room := range rooms[:2] {
			who := ann
			if i%3 == 0 {
				who = bob
			}
			m := n.post(who, room, "x")
			posts[m.ID] = m
		}
	}
	late := engine.Time(clock.now().Add(-100 * time.Second).UnixMilli())
	purge := func(f engine.PurgeFilter, dry bool) (deleted, steps int) {
		t.Helper()
		for cursor := ""; ; steps++ {
			s, _, err := n.Purge(bg, root, f, cursor, dry)
			if err != nil || s.Scanned > 1000 || steps > 10 {
				t.Fatalf("step %d: %+v, %v", steps, s, err)
			}
			if deleted += s.Deleted; s.Next == nil {
				return deleted, steps + 1
			}
			cursor = *s.Next
		}
	}
	for _, f := range []engine.PurgeFilter{{User: bob.User, Room: rooms[0], Before: late}, {After: late, Room: rooms[1]}, {User: bob.User}, {Before: late}} {
		want := 0
		for id, m := range posts {
			if (f.User.IsZero() || m.User == f.User) && (f.Room.IsZero() || m.Room == f.Room) && (f.After == 0 || m.At >= f.After) && (f.Before == 0 || m.At < f.Before) {
				delete(posts, id)
				want++
			}
		}
		dry, _ := purge(f, true)
		got, steps := purge(f, false)
		again, _ := purge(f, false)
		if want == 0 || dry != want || got != want || again != 0 || (f == engine.PurgeFilter{User: bob.User} && steps < 2) {
			t.Errorf("%+v: dry %d, deleted %d in %d steps, then %d; want %d", f, dry, got, steps, again, want)
		}
	}
	for id, m := range posts {
		if got, err := n.Message(ann, m.Room, id); err != nil || got.Deleted {
			t.Fatalf("%s was deleted too: %v", id, err)
		}
	}
	for _, bad := range []struct {
		f      engine.PurgeFilter
		cursor string
	}{{}, {engine.PurgeFilter{User: ann.User}, "x"}, {engine.PurgeFilter{Room: rooms[0]}, rooms[1].String() + "." + root.User.String()}} {
		if _, _, err := n.Purge(bg, root, bad.f, bad.cursor, true); engine.AsError(err).Code != engine.CodeInvalidField {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
