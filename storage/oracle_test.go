package storage

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// oracle answers queries from nothing but a set of events, in the plainest way:
// every answer goes through all events again.
type oracle struct {
	events []*engine.Event // in order of ID
}

func newOracle(events []*engine.Event) *oracle {
	o := &oracle{slices.Clone(events)}
	slices.SortFunc(o.events, func(a, b *engine.Event) int { x, y := a.ID(), b.ID(); return bytes.Compare(x[:], y[:]) })
	return o
}

type oracleUser struct {
	made           bool
	name           string
	nameAt         engine.ID
	display, phc   string
	changed        engine.ID
	admin, bot     bool
	private, dir   bool // of rooms
	topic          string
	deleted        bool
	createdOrEnded bool
	made1st        engine.ID // the first creation
	ended          engine.ID // the first deletion of an account
	disabled       bool
	archived       bool // a room
}

// user replays what was said of a user; in order of ID the last word wins by itself.
func (o *oracle) user(id engine.ID) (u oracleUser) {
	for _, e := range o.events {
		if e.User != id {
			continue
		}
		switch p := e.Payload.(type) {
		case *engine.UserCreated:
			u.made1st = minID(u.made1st, e.ID())
			u.made, u.name, u.nameAt, u.display, u.phc, u.admin, u.bot = true, p.Username, e.ID(), p.DisplayName, p.Password, p.Admin, p.Bot
		case *engine.AccountSet:
			if p.Disabled != nil {
				u.disabled = *p.Disabled
			}
			if p.Deleted {
				u.ended = minID(u.ended, e.ID())
			}
		case *engine.UserUpdated:
			if p.Username != nil {
				u.name, u.nameAt = *p.Username, e.ID()
			}
			if p.DisplayName != nil {
				u.display = *p.DisplayName
			}
			if p.Password != nil {
				u.phc, u.changed = *p.Password, e.ID()
			}
			if p.Admin != nil {
				u.admin = *p.Admin
			}
		}
	}
	if !u.ended.IsZero() {
		u.name, u.nameAt, u.display, u.phc, u.admin = "deleted-"+strings.ToLower(id.String()), u.ended, "", "", false
	}
	return u
}

// signIns are what a user's events leave of the sign-ins.
func (o *oracle) signIns(user engine.ID) (list []engine.SignIn) {
	var latest engine.Time
	revoked, all := map[engine.ID]bool{}, map[engine.ID]engine.SignIn{}
	for _, e := range o.events {
		switch p := e.Payload.(type) {
		case *engine.TokenRevoked:
			revoked[p.Token] = true
		case *engine.TokenIssued:
			if e.User != user {
				continue
			}
			latest = max(latest, e.Stamp.Time())
			s := engine.SignIn{ID: p.Token, At: p.Token.Time(), Expires: p.Expires, Agent: p.Agent}
			if old := all[p.Token]; s.Expires > old.Expires || (s.Expires == old.Expires && s.Agent > old.Agent) {
				all[p.Token] = s
			}
		}
	}
	changed := o.user(user).changed
	for _, s := range all {
		if !o.user(user).ended.IsZero() {
			break
		}
		if !revoked[s.ID] && s.Expires > latest && s.ID.Compare(changed) >= 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b engine.SignIn) int { return a.ID.Compare(b.ID) })
	return list
}

func (o *oracle) room(id engine.ID) (u oracleUser) {
	for _, e := range o.events {
		if e.Room != id {
			continue
		}
		switch p := e.Payload.(type) {
		case *engine.RoomCreated:
			u.made1st = minID(u.made1st, e.ID())
			u.made, u.name, u.nameAt, u.topic, u.private, u.dir = true, p.Name, e.ID(), p.Topic, p.Private, p.Direct
			u.createdOrEnded = true
		case *engine.RoomUpdated:
			if p.Name != nil {
				u.name, u.nameAt = *p.Name, e.ID()
			}
			if p.Topic != nil {
				u.topic = *p.Topic
			}
			if p.Private != nil {
				u.private = *p.Private
			}
		case *engine.RoomArchived:
			u.archived = p.Archived
		case *engine.RoomDeleted:
			u.deleted, u.createdOrEnded = true, true
		}
	}
	u.made = u.made && !u.deleted
	return u
}

func (o *oracle) ids(of func(e *engine.Event) []engine.ID) []engine.ID {
	var ids []engine.ID
	for _, e := range o.events {
		ids = append(ids, of(e)...)
	}
	slices.SortFunc(ids, engine.ID.Compare)
	return slices.Compact(ids)
}

func (o *oracle) userIDs() []engine.ID {
	return o.ids(func(e *engine.Event) []engine.ID { return []engine.ID{e.User} })
}

func (o *oracle) roomIDs() []engine.ID {
	return o.ids(func(e *engine.Event) []engine.ID { return []engine.ID{e.Room} })
}

// shownNames gives the shown name of every user or room that has one.
func (o *oracle) shownNames(ids []engine.ID, get func(engine.ID) oracleUser) map[engine.ID]string {
	out := map[engine.ID]string{}
	for _, id := range ids {
		u := get(id)
		if !u.made || u.name == "" {
			continue
		}
		out[id] = u.name
		for _, other := range ids {
			v := get(other)
			if other == id || !v.made || v.name != u.name {
				continue
			}
			if c := v.nameAt.Compare(u.nameAt); c < 0 || (c == 0 && other.Compare(id) < 0) {
				out[id] = u.name + suffix(id)
			}
		}
	}
	return out
}

// conflicts lists the names that more than one of the ids claims, in order of name.
func (o *oracle) conflicts(space string, ids []engine.ID, get func(engine.ID) oracleUser) (out []engine.Conflict) {
	claims := map[string][]engine.ID{}
	for _, id := range ids {
		if u := get(id); u.made && u.name != "" {
			claims[u.name] = append(claims[u.name], id)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if list := claims[name]; len(list) > 1 {
			slices.SortFunc(list, func(a, b engine.ID) int {
				return comparePair(idPair{get(a).nameAt, a}, idPair{get(b).nameAt, b})
			})
			out = append(out, engine.Conflict{Space: space, Name: name, First: list[0], Later: list[1:]})
		}
	}
	return out
}

// contested is the name that an event claims, or claims anew, and that another has too.
func contested(before, after *oracle, e *engine.Event) string {
	find := func(ids []engine.ID, id engine.ID, get, was func(engine.ID) oracleUser) string {
		now, then := get(id), was(id)
		if !now.made || now.name == "" || (then.made && now.name == then.name && now.nameAt == then.nameAt) {
			return ""
		}
		for _, other := range ids {
			if u := get(other); other != id && u.made && u.name == now.name {
				return now.name
			}
		}
		return ""
	}
	switch e.Kind {
	case engine.KindUserCreated, engine.KindUserUpdated:
		return find(after.userIDs(), e.User, after.user, before.user)
	case engine.KindRoomCreated, engine.KindRoomUpdated:
		return find(after.roomIDs(), e.Room, after.room, before.room)
	}
	return ""
}

func (o *oracle) role(room, user engine.ID) engine.Role {
	role := engine.RoleNone
	for _, e := range o.events {
		if e.Room != room {
			continue
		}
		switch p := e.Payload.(type) {
		case *engine.MemberSet:
			if e.User == user {
				role = p.Role
			}
		case *engine.RoomCreated:
			named, most := false, engine.RoleNone
			for _, m := range p.Members {
				if m.User == user {
					named, most = true, max(most, m.Role)
				}
			}
			if named {
				role = most
			}
		}
	}
	return role
}

func (o *oracle) members(room engine.ID) (ids []engine.ID) {
	for _, u := range o.ids(func(e *engine.Event) []engine.ID {
		ids := []engine.ID{e.User}
		if p, ok := e.Payload.(*engine.RoomCreated); ok {
			for _, m := range p.Members {
				ids = append(ids, m.User)
			}
		}
		return ids
	}) {
		if o.role(room, u) != engine.RoleNone {
			ids = append(ids, u)
		}
	}
	return ids
}

// hidden lists the messages hidden as repeats of a nonce.
func (o *oracle) hidden() map[engine.ID]bool {
	type key struct {
		user  engine.ID
		nonce string
	}
	last, out := map[key]time.Time{}, map[engine.ID]bool{}
	for _, e := range o.events {
		p, ok := e.Payload.(*engine.Posted)
		if !ok || p.Nonce == "" {
			continue
		}
		k, at := key{e.User, p.Nonce}, e.ID().Time().Std()
		if before, ok := last[k]; ok && at.Sub(before) < 24*time.Hour {
			out[e.ID()] = true
			continue
		}
		last[k] = at
	}
	return out
}

// messages are the visible messages of a room, as reader sees them.
func (o *oracle) messages(room, reader engine.ID) (list []engine.Message) {
	hidden := o.hidden()
	for _, e := range o.events {
		p, ok := e.Payload.(*engine.Posted)
		if !ok || e.Room != room || hidden[e.ID()] {
			continue
		}
		m := engine.Message{
			ID: e.ID(), Room: room, User: e.User, Body: p.Body, At: e.ID().Time(), Nonce: p.Nonce,
			ReplyTo: p.ReplyTo, Files: p.Files, Mentions: p.Mentions, Everyone: p.Everyone,
		}
		o.overlay(&m, reader)
		list = append(list, m)
	}
	return list
}

func (o *oracle) overlay(m *engine.Message, reader engine.ID) {
	on := map[string]map[engine.ID]bool{}
	for _, e := range o.events {
		switch p := e.Payload.(type) {
		case *engine.Edited:
			if e.Room == m.Room && p.Message == m.ID {
				m.Body, m.Mentions, m.Everyone, m.EditedAt = p.Body, p.Mentions, p.Everyone, e.ID().Time()
			}
		case *engine.Deleted:
			m.Deleted = m.Deleted || (e.Room == m.Room && p.Message == m.ID)
		case *engine.Reacted:
			if e.Room == m.Room && p.Message == m.ID {
				if on[p.Emoji] == nil {
					on[p.Emoji] = map[engine.ID]bool{}
				}
				if delete(on[p.Emoji], e.User); !p.Remove {
					on[p.Emoji][e.User] = true
				}
			}
		}
	}
	if m.Deleted {
		m.Body, m.EditedAt, m.Files, m.Mentions, m.Everyone = "", 0, nil, nil, false
		return
	}
	for emoji, users := range on {
		if len(users) > 0 {
			m.Reactions = append(m.Reactions, engine.ReactionCount{Emoji: emoji, Count: len(users), Me: users[reader] && !reader.IsZero()})
		}
	}
	slices.SortFunc(m.Reactions, func(a, b engine.ReactionCount) int { return strings.Compare(a.Emoji, b.Emoji) })
}

func (o *oracle) unread(room, user engine.ID) (u engine.Unread) {
	for _, e := range o.events {
		if p, ok := e.Payload.(*engine.Read); ok && e.User == user && e.Room == room && p.Message.Compare(u.LastRead) > 0 {
			u.LastRead = p.Message
		}
	}
	for _, m := range o.messages(room, engine.ID{}) {
		if m.User == user || m.Deleted || m.ID.Compare(u.LastRead) <= 0 {
			continue
		}
		u.Messages++
		if m.Everyone || (slices.Contains(m.Mentions, user) && !user.IsZero()) {
			u.Mentions++
		}
	}
	u.Messages, u.Mentions = min(u.Messages, engine.UnreadLimit), min(u.Mentions, engine.UnreadLimit)
	return u
}

func (o *oracle) publicRooms() []engine.ID {
	ids := slices.DeleteFunc(o.roomIDs(), func(id engine.ID) bool {
		r := o.room(id)
		return !r.made || r.private || r.dir || r.archived
	})
	slices.SortStableFunc(ids, func(a, b engine.ID) int { return strings.Compare(o.room(a).name, o.room(b).name) })
	return ids
}
