package realtime

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
)

// house is a node with all its doors, and one account for each kind of caller.
type house struct {
	*node
	rest   api.Handler
	people map[string]account
	made   int
}

// Variants of calls that more than one row has; they may follow each other.
const (
	ownOnly      = "of one's own"
	archivedRoom = "where it is archived"
)

// secret stands in what callers without the right must not be told.
const secret = "the cake is at eight"

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{node: newNode(t), people: map[string]account{"nobody": {}, "operator": {}}}
	var err error
	if h.rest, err = api.New(api.Config{
		Engine: h.engine, Version: "test", Figures: func() api.NodeStats { return api.NodeStats{} },
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.rest.Close(); err != nil {
			t.Error(err)
		}
	})
	h.people["administrator"] = h.administrator(t)
	h.people["bot"] = h.bot(t)
	for _, name := range []string{"stranger", "member", "moderator", "owner", "author", "mod", "outsider"} {
		h.people[name] = h.register(name)
	}
	return h
}

func (h *house) administrator(t *testing.T) account {
	t.Helper()
	invite, err := h.engine.SetupInvite()
	noError(t, err)
	u, token, _, err := h.engine.Register(testContext(t), engine.Registering{Username: "administrator", Password: "correct horse", Invite: invite})
	noError(t, err)
	return account{u, token, &engine.Identity{User: u.ID}}
}

// fresh is a name that nobody has.
func (h *house) fresh(what string) string {
	h.made++
	return fmt.Sprintf("%s%d", what, h.made)
}

// bot makes one, with a token.
func (h *house) bot(t *testing.T) account {
	t.Helper()
	a, _, err := h.engine.AddAccount(testContext(t), engine.TheOperator, engine.NewAccount{Username: h.fresh("bot"), Bot: true})
	noError(t, err)
	return account{a.User, h.botToken(t, a.ID), &engine.Identity{User: a.ID}}
}

func (h *house) botToken(t *testing.T, bot engine.ID) string {
	t.Helper()
	token, _, _, err := h.engine.IssueToken(testContext(t), engine.TheOperator, bot, "test", time.Hour)
	noError(t, err)
	return token
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scene is a room with people in it, made anew for each cell of the table.
type scene struct {
	*house
	t         *testing.T
	kind, who string // of room; the caller
	caller    account
	author    account
	room      engine.ID
	message   engine.ID       // the author's
	own       engine.ID       // the caller's own, where there is one
	before    engine.Position // of the engine, when the call was made
}

func (h *house) scene(t *testing.T, kind, who string) *scene {
	t.Helper()
	s := &scene{house: h, t: t, kind: kind, who: who, caller: h.people[who], author: h.people["author"]}
	if who == "banned" || who == "revoked" {
		s.caller = h.register(h.fresh(who))
	}
	if kind == "direct" {
		s.direct()
	} else {
		s.group(kind == "private")
	}
	return s
}

// isMember reports whether the caller is in the room, by no more than a member's role.
func (s *scene) isMember() bool {
	return s.who == "member" || s.who == "bot" || s.who == "banned" || s.who == "revoked"
}

// direct has an author who is new: of two users there is one direct room for ever.
func (s *scene) direct() {
	s.author = s.register(s.fresh("author"))
	other := s.people["outsider"]
	if s.isMember() {
		other = s.caller
	}
	v, _, err := s.engine.DirectRoom(testContext(s.t), s.author.who, []engine.ID{other.ID})
	noError(s.t, err)
	s.room = v.ID
	s.message = s.say(s.author.who)
	if s.own = s.message; s.isMember() {
		s.own = s.say(other.who)
	}
}

func (s *scene) group(private bool) {
	v, _, err := s.engine.CreateRoom(testContext(s.t), s.as("owner"), engine.NewRoom{Name: s.fresh("room"), Private: private})
	noError(s.t, err)
	s.room = v.ID
	s.role(s.author, engine.RoleMember)
	s.role(s.people["mod"], engine.RoleModerator)
	s.message = s.say(s.author.who)
	switch s.who {
	case "nobody", "operator":
		s.own = s.message
	case "owner":
		s.own = s.say(s.caller.who)
	default: // has been a member at least, and wrote
		s.role(s.caller, engine.RoleMember)
		s.own = s.say(s.caller.who)
		s.role(s.caller, s.rightRole())
	}
}

func (s *scene) rightRole() engine.Role {
	switch {
	case s.who == "moderator":
		return engine.RoleModerator
	case s.isMember():
		return engine.RoleMember
	}
	return engine.RoleNone
}

func (s *scene) as(name string) *engine.Identity { return s.people[name].who }

func (s *scene) role(whose account, role engine.Role) {
	s.t.Helper()
	var err error
	if role == engine.RoleNone {
		_, err = s.engine.RemoveMember(context.Background(), s.as("owner"), s.room, whose.ID)
	} else {
		_, err = s.engine.SetMember(context.Background(), s.as("owner"), s.room, whose.ID, role)
	}
	noError(s.t, err)
}

func (s *scene) say(who *engine.Identity) engine.ID {
	s.t.Helper()
	m, _, err := s.engine.Post(context.Background(), who, engine.NewMessage{Room: s.room, Body: secret})
	noError(s.t, err)
	return m.ID
}

// condemn makes the caller what the column says, who was a plain member until now.
func (s *scene) condemn() {
	s.t.Helper()
	var err error
	switch s.who {
	case "banned":
		_, err = s.engine.Ban(testContext(s.t), engine.TheOperator, engine.Ban{User: s.caller.ID, Reason: "test"})
	case "revoked":
		_, err = s.engine.Logout(testContext(s.t), s.caller.who)
	}
	noError(s.t, err)
}

// prepare brings about what a row's variant says of the room.
func (s *scene) prepare(p permission) {
	s.t.Helper()
	if strings.HasSuffix(p.variant, archivedRoom) {
		_, err := s.engine.ArchiveRoom(testContext(s.t), engine.TheOperator, s.room, true)
		noError(s.t, err)
	}
}
