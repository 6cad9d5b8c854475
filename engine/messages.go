package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// nonceWindow is how long a nonce stands for its first message (I7).
const nonceWindow = 24 * time.Hour

// MaxPage is the most items of a page.
const MaxPage = 200

// NewMessage is a request to post.
type NewMessage struct {
	Room    ID
	Body    string
	Nonce   string // makes a repeat harmless; unique per user for a day
	ReplyTo ID
}

// Post stores a message and returns it when it is durable, published and its write concern holds.
func (e *Engine) Post(ctx context.Context, who *Identity, n NewMessage) (Message, Receipt, error) {
	type answer struct {
		m       Message
		receipt Receipt
		err     error
	}
	done := make(chan answer, 1)
	e.PostAsync(who, n, func(m Message, receipt Receipt, err error) { done <- answer{m, receipt, err} })
	select {
	case a := <-done:
		return a.m, a.receipt, a.err
	case <-ctx.Done():
		return Message{}, Receipt{}, &Error{Code: CodeUnavailable, Message: "gave up waiting; repeat the post with its nonce", Err: ctx.Err()}
	}
}

// PostAsync is Post for those who have other things to do: done is called once, either before
// PostAsync returns or, by any goroutine, once the message is published and its write concern holds. It must not block.
func (e *Engine) PostAsync(who *Identity, n NewMessage, done func(Message, Receipt, error)) {
	ev, err := e.newPost(who, n)
	if err != nil {
		done(Message{}, Receipt{}, err)
		return
	}
	var first *Message
	err = e.submit(write{
		size: writeOverhead + len(ev.Data),
		prepare: func(b *batch) (err error) {
			if n.Nonce != "" {
				if first, err = b.firstOf(who.User, n.Nonce); err != nil || first != nil {
					return err
				}
			}
			return b.append(ev)
		},
		done: func(r Receipt, err error) {
			switch {
			case err != nil:
				done(Message{}, Receipt{}, err)
			case first != nil:
				done(*first, r, nil)
			default:
				done(messageOf(ev, ev.Payload.(*Posted)), r, nil)
			}
		},
	})
	if err != nil {
		done(Message{}, Receipt{}, err)
	}
}

// newPost checks a post and makes its event, encoded here so that the committer need not.
func (e *Engine) newPost(who *Identity, n NewMessage) (*Event, error) {
	if err := firstError(e.checkBody(n.Body), checkText("nonce", n.Nonce, 0, maxNonce)); err != nil {
		return nil, err
	}
	if _, _, err := e.enter(who, n.Room, actPost); err != nil {
		return nil, err
	}
	if !n.ReplyTo.IsZero() {
		if _, err := e.store.Message(n.Room, n.ReplyTo, ID{}); err != nil {
			if errors.Is(err, ErrNotFound) {
				err = invalidField("reply_to", "unknown", "the room has no such message")
			}
			return nil, err
		}
	}
	p := &Posted{Body: n.Body, Nonce: n.Nonce, ReplyTo: n.ReplyTo}
	var err error
	if p.Mentions, p.Everyone, err = e.mentions(n.Room, n.Body); err != nil {
		return nil, err
	}
	ev := &Event{Kind: KindPosted, Room: n.Room, User: who.User, Payload: p}
	ev.Data, err = e.store.EncodePayload(p)
	return ev, err
}

// firstOf returns the message that a nonce stands for now, as its author sees it, if any.
func (b *batch) firstOf(user ID, nonce string) (*Message, error) {
	refs, _, err := b.tx.Nonce(user, nonce)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	last := refs[len(refs)-1]
	now := max(Time(b.k.clock.now().UnixMilli()), last.Message.Time())
	if now.Std().Sub(last.Message.Time().Std()) >= nonceWindow {
		return nil, nil
	}
	m, err := b.tx.Message(last.Room, last.Message, user)
	return &m, err
}

// mentions finds the members that a body names with @name, and whether it
// names all with @room, @all, @everyone or @here.
func (e *Engine) mentions(room ID, body string) (users []ID, everyone bool, err error) {
	lookups := 0
	for rest := body; ; {
		i := strings.IndexByte(rest, '@')
		if i < 0 {
			return users, everyone, nil
		}
		start := i == 0 || !isNameByte(rest[i-1]) // an address is no mention
		rest = rest[i+1:]
		n := 0
		for n < len(rest) && n <= maxName+6 && isNameByte(rest[n]) {
			n++
		}
		name := strings.TrimRight(strings.ToLower(rest[:n]), ".-_")
		if !start || name == "" {
			continue
		}
		if name == "room" || name == "all" || name == "everyone" || name == "here" {
			everyone = true
			continue
		}
		if lookups++; lookups > maxLookups {
			continue
		}
		id, err := e.memberNamed(room, name)
		if err != nil {
			return nil, false, err
		}
		if !id.IsZero() && !slices.Contains(users, id) && len(users) < maxMentions {
			users = append(users, id)
		}
	}
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// memberNamed returns a room's member by name; zero if there is none.
func (e *Engine) memberNamed(room ID, name string) (ID, error) {
	id, err := e.store.UserNamed(name)
	if errors.Is(err, ErrNotFound) {
		return ID{}, nil
	}
	if err != nil {
		return ID{}, err
	}
	role, err := e.store.Role(room, id)
	if err != nil || role == RoleNone {
		return ID{}, err
	}
	return id, nil
}

// Message returns one message.
func (e *Engine) Message(who *Identity, room, id ID) (Message, error) {
	if _, _, err := e.enter(who, room, actRead); err != nil {
		return Message{}, err
	}
	return e.store.Message(room, id, who.User)
}

// FindMessage returns a message by its ID alone, if the caller may read its room.
func (e *Engine) FindMessage(who *Identity, id ID) (Message, error) {
	room, err := e.store.RoomOf(id)
	if err != nil {
		return Message{}, err
	}
	return e.Message(who, room, id)
}

// target loads a message that is to be changed, and checks that the caller may:
// as its author, or as one who may do it to anybody's.
func (e *Engine) target(who *Identity, room, id ID, own, others action) (Message, error) {
	m, err := e.Message(who, room, id)
	if err != nil {
		return m, err
	}
	if m.Deleted {
		return m, ErrNotFound
	}
	err = ErrForbidden
	if m.User == who.User {
		_, _, err = e.enter(who, room, own)
	}
	if err != nil && others != nobody {
		_, _, err = e.enter(who, room, others)
	}
	return m, err
}

// nobody stands for an action that only the author may do.
const nobody action = -1

// Edit replaces the body of the caller's own message.
func (e *Engine) Edit(ctx context.Context, who *Identity, room, id ID, body string) (Message, Receipt, error) {
	if err := e.checkBody(body); err != nil {
		return Message{}, Receipt{}, err
	}
	if _, err := e.target(who, room, id, actEditOwn, nobody); err != nil {
		return Message{}, Receipt{}, err
	}
	p := &Edited{Message: id, Body: body}
	var err error
	if p.Mentions, p.Everyone, err = e.mentions(room, body); err != nil {
		return Message{}, Receipt{}, err
	}
	receipt, err := e.writeSized(ctx, writeOverhead+len(body), func(b *batch) error {
		return b.append(&Event{Kind: KindEdited, Room: room, User: who.User, Payload: p})
	})
	if err != nil {
		return Message{}, Receipt{}, err
	}
	m, err := e.store.Message(room, id, who.User)
	return m, receipt, err
}

// Delete hides a message's content from everybody, for ever.
func (e *Engine) Delete(ctx context.Context, who *Identity, room, id ID) (Receipt, error) {
	if _, err := e.target(who, room, id, actDeleteOwn, actDeleteOthers); err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(b *batch) error {
		return b.append(&Event{Kind: KindDeleted, Room: room, User: who.User, Payload: &Deleted{Message: id}})
	})
}

// React adds or removes the caller's reaction.
func (e *Engine) React(ctx context.Context, who *Identity, room, id ID, emoji string, remove bool) (Receipt, error) {
	if err := checkEmoji(emoji); err != nil {
		return Receipt{}, err
	}
	if _, err := e.target(who, room, id, actReact, actReact); err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(b *batch) error {
		m, err := b.tx.Message(room, id, who.User)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(m.Reactions, func(r ReactionCount) bool { return r.Emoji == emoji })
		switch {
		case i < 0 && !remove && len(m.Reactions) >= maxEmojis:
			return &Error{Code: CodeConflict, Message: "the message has too many different reactions"}
		case (i >= 0 && m.Reactions[i].Me) != remove:
			return nil // already so
		}
		return b.append(&Event{Kind: KindReacted, Room: room, User: who.User, Payload: &Reacted{Message: id, Emoji: emoji, Remove: remove}})
	})
}

// MarkRead moves the caller's read marker to a message; never backwards.
func (e *Engine) MarkRead(ctx context.Context, who *Identity, room, id ID) (Receipt, error) {
	if _, _, err := e.enter(who, room, actSignal); err != nil {
		return Receipt{}, err
	}
	if _, err := e.store.Message(room, id, ID{}); err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(b *batch) error {
		marker, err := b.k.store.Marker(room, who.User)
		if err != nil || marker.Compare(id) >= 0 {
			return err
		}
		return b.append(&Event{Kind: KindRead, Room: room, User: who.User, Payload: &Read{Message: id}})
	})
}

// History returns a page of a room.
func (e *Engine) History(who *Identity, room ID, r Range) (Page, error) {
	if _, _, err := e.enter(who, room, actRead); err != nil {
		return Page{}, err
	}
	return e.store.History(room, r, who.User)
}

// Replies returns a page of the replies to a message.
func (e *Engine) Replies(who *Identity, room, parent ID, r Range) (Page, error) {
	if _, err := e.Message(who, room, parent); err != nil {
		return Page{}, err
	}
	return e.store.Replies(room, parent, r, who.User)
}
