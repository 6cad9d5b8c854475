package engine

import "errors"

// PresenceLimit is the size of a room up to which presence, typing and read
// markers name users. Larger rooms get counts, once a second, so that n members
// never cost n squared notices.
const PresenceLimit = 250

const entryOverhead = 200 // bytes counted for a ring entry besides its event's data

// entry makes of a committed event what sessions will see of it. A message that is as it was posted
// is told from the event itself; everything else as the store now has it,
// for an event of another node may have lost to one that came first.
func (e *Engine) entry(c committed) *entry {
	en := &entry{origin: c.Origin, seq: c.Seq, size: len(c.Data) + entryOverhead, room: c.Room}
	var err error
	switch p := c.Payload.(type) {
	case *Posted:
		if !c.effects.Amended {
			en.toRoom(&MessageNotice{"message", messageOf(c.Event, p)})
		} else { // an edit, a deletion, a reaction or its nonce's first post came before it
			en.deliveries, err = e.past(c.Event)
			c.effects.Hidden, c.effects.Shown = nil, nil // told with it
		}
	case *RoomDeleted:
		en.ended = true
		en.deliveries, err = e.past(c.Event)
	case *MemberSet:
		en.deliveries, err = e.past(c.Event)
		if err == nil {
			err = en.move(e.store, c.User)
		}
	case *Read:
		if c.Origin == e.store.Origin() {
			en.deliveries, err = e.read(c.Event, p.Message)
		} else { // a higher one may have come before it
			en.deliveries, err = e.past(c.Event)
		}
	case *RoomCreated:
		if en.deliveries, err = e.past(c.Event); err == nil && len(en.deliveries) > 0 {
			err = en.enterAll(e.store)
		}
	case *UserUpdated:
		if p.Password != nil {
			en.revoke = &revocation{user: c.User, before: c.ID()}
		}
		if p.DisplayName != nil || p.Username != nil {
			e.presence.renamed(c.User)
		}
	case *AccountSet:
		err = e.entryOfAccount(en, c.User)
	case *UserBanned:
		if ban, ok := e.bans.ofUser(c.User); ok {
			en.revoke = &revocation{user: c.User, all: ban.refusal("this account").Message}
		}
	case *NetBanned:
		en.banned = networkOf(p.Network)
	case *TokenRevoked:
		en.revoke = &revocation{user: c.User, token: p.Token}
	default:
		en.deliveries, err = e.past(c.Event)
	}
	if err == nil {
		err = e.addEffects(en, c.effects)
	}
	if err != nil {
		e.log.Error("event could not be told; its room's sessions must resume", "origin", c.Origin, "seq", c.Seq, "err", err)
		en.broken = true
	}
	return en
}

// entryOfAccount ends the sessions of an account that is disabled or deleted now.
func (e *Engine) entryOfAccount(en *entry, user ID) error {
	st, err := e.store.Standing(user)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if st.Disabled || st.Deleted {
		en.revoke = &revocation{user: user, all: "the account is disabled"}
	}
	if st.Deleted {
		e.presence.renamed(user)
	}
	return err
}

func (en *entry) toRoom(notice any) {
	en.deliveries = append(en.deliveries, delivery{room: en.room, notice: notice})
}

// move sets which way a member goes, by the role that won.
func (en *entry) move(s Store, user ID) error {
	role, err := s.Role(en.room, user)
	if role == RoleNone {
		en.left = []ID{user}
	} else {
		en.joined = []ID{user}
	}
	return err
}

// enterAll lets in who is a member now: some have joined by events that came
// before the room's creation, others have left by such.
func (en *entry) enterAll(s Store) error {
	for after := (ID{}); ; {
		ms, err := s.Members(en.room, after, roomsPage)
		for _, m := range ms {
			en.joined = append(en.joined, m.ID)
			en.size += len(m.ID)
			after = m.ID
		}
		if err != nil || len(ms) < roomsPage {
			return err
		}
	}
}

// addEffects tells what an event did besides.
func (e *Engine) addEffects(en *entry, f Effects) error {
	for _, ref := range f.Hidden {
		en.deliveries = append(en.deliveries, delivery{room: ref.Room, notice: duplicateNotice(ref)})
	}
	for _, ref := range f.Shown {
		m, err := e.store.Message(ref.Room, ref.Message, ID{})
		if err != nil {
			return err
		}
		en.deliveries = append(en.deliveries, delivery{room: ref.Room, notice: &MessageNotice{"message", m}})
	}
	for _, id := range f.Renamed {
		r, err := e.store.Room(id)
		if errors.Is(err, ErrNotFound) {
			continue // a user: clients look names up
		}
		if err != nil {
			return err
		}
		en.deliveries = append(en.deliveries, delivery{room: id, notice: &RoomNotice{"room_updated", r}})
	}
	return nil
}

func duplicateNotice(ref MessageRef) *MessageDeleted {
	return &MessageDeleted{Type: "message_deleted", Room: ref.Room, ID: ref.Message, Duplicate: true}
}

// past makes of an event of the log what a session that missed it is told: the
// state that its subject has now. What has no state any more is not told.
func (e *Engine) past(ev *Event) ([]delivery, error) {
	notices, err := e.pastNotices(ev)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return notices, err
}

func (e *Engine) pastNotices(ev *Event) ([]delivery, error) {
	toRoom := func(notice any) []delivery { return []delivery{{room: ev.Room, notice: notice}} }
	switch p := ev.Payload.(type) {
	case *Posted:
		return e.pastPost(ev, p)
	case *Edited:
		m, err := e.store.Message(ev.Room, p.Message, ID{})
		if err != nil || m.Deleted {
			return nil, err
		}
		return toRoom(&MessageEdited{"message_edited", m.Room, m.ID, m.User, m.Body, m.EditedAt, m.Mentions, m.Everyone}), nil
	case *Deleted:
		if _, err := e.store.Message(ev.Room, p.Message, ID{}); err != nil {
			return nil, err // hidden, or not here yet: its post will tell
		}
		return toRoom(&MessageDeleted{Type: "message_deleted", Room: ev.Room, ID: p.Message, User: ev.User}), nil
	case *Reacted:
		return e.pastReaction(ev, p)
	case *Read:
		return e.pastRead(ev)
	case *MemberSet:
		return e.pastMember(ev)
	case *RoomCreated:
		r, err := e.store.Room(ev.Room)
		return toRoom(&RoomNotice{"room_created", r}), err
	case *RoomUpdated, *RoomArchived:
		r, err := e.store.Room(ev.Room)
		return toRoom(&RoomNotice{"room_updated", r}), err
	case *RoomDeleted:
		return toRoom(&RoomDeletedNotice{"room_deleted", ev.Room, ev.Room}), nil
	}
	return nil, nil
}

func messageOf(ev *Event, p *Posted) Message {
	return Message{
		ID: ev.ID(), Room: ev.Room, User: ev.User, Body: p.Body, At: ev.Stamp.Time(), Nonce: p.Nonce,
		ReplyTo: p.ReplyTo, Mentions: p.Mentions, Everyone: p.Everyone, Files: p.Files,
	}
}

// pastPost tells a message as it is now. The post may have brought repeats of its
// nonce or sent them away while the session was gone, so the whole group is told.
func (e *Engine) pastPost(ev *Event, p *Posted) (ds []delivery, err error) {
	visible, hidden := []MessageRef{{ev.Room, ev.ID()}}, []MessageRef(nil)
	if p.Nonce != "" {
		if visible, hidden, err = e.store.Nonce(ev.User, p.Nonce); err != nil {
			return nil, err
		}
	}
	for _, ref := range visible {
		m, err := e.store.Message(ref.Room, ref.Message, ID{})
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ds = append(ds, delivery{room: ref.Room, notice: &MessageNotice{"message", m}})
	}
	for _, ref := range hidden {
		ds = append(ds, delivery{room: ref.Room, notice: duplicateNotice(ref)})
	}
	return ds, nil
}

func (e *Engine) pastReaction(ev *Event, p *Reacted) ([]delivery, error) {
	m, err := e.store.Message(ev.Room, p.Message, ev.User)
	if err != nil || m.Deleted {
		return nil, err
	}
	n := &ReactionNotice{Type: "reaction", Room: ev.Room, ID: p.Message, User: ev.User, Emoji: p.Emoji, Remove: true}
	for _, r := range m.Reactions {
		if r.Emoji == p.Emoji {
			n.Count, n.Remove = r.Count, !r.Me
		}
	}
	return []delivery{{room: ev.Room, notice: n}}, nil
}

func (e *Engine) pastRead(ev *Event) ([]delivery, error) {
	u, err := e.store.Unread(ev.Room, ev.User)
	if err != nil {
		return nil, err
	}
	return e.read(ev, u.LastRead)
}

// read tells a marker.
func (e *Engine) read(ev *Event, marker ID) ([]delivery, error) {
	r, err := e.store.Room(ev.Room)
	if err != nil {
		return nil, err
	}
	d := delivery{room: ev.Room, notice: &ReadNotice{"read", ev.Room, ev.User, marker}}
	if r.Members > PresenceLimit {
		d.room, d.user = ID{}, ev.User
	}
	return []delivery{d}, nil
}

func (e *Engine) pastMember(ev *Event) ([]delivery, error) {
	role, err := e.store.Role(ev.Room, ev.User)
	if err != nil {
		return nil, err
	}
	if role == RoleNone {
		return []delivery{{room: ev.Room, notice: &MemberNotice{Type: "member_left", Room: ev.Room, User: ev.User}}}, nil
	}
	u, err := e.store.User(ev.User)
	if err != nil {
		return nil, err
	}
	n := &MemberNotice{"member_joined", ev.Room, ev.User, u.Username, u.DisplayName, role, e.statusOf(ev.User)}
	return []delivery{{room: ev.Room, notice: n}}, nil
}
