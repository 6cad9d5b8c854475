package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
)

// Identity is who a request or session acts for, as a token proved it.
type Identity struct {
	User    ID
	Token   ID // zero for tokens of another backend
	Expires time.Time

	Operator bool // who has the node's control socket, and no account
}

// issuedBefore reports whether the token is older than an event. Tokens of another backend end there.
func (i *Identity) issuedBefore(version ID) bool {
	return !i.Token.IsZero() && i.Token.Compare(version) < 0
}

// ExternalUser is what another backend's token says.
type ExternalUser struct {
	Username    string
	DisplayName string
	Rooms       []string // joined, and made, on first sight
	Expires     time.Time
}

// DerivedID is the ID of what is made on first sight on any node: nodes that
// make it at the same time make the same thing.
func DerivedID(space, name string) ID {
	sum := sha256.Sum256([]byte("klatch:" + space + ":" + name))
	id := ID(sum[:16])
	id[0] &= 0x7F
	return id
}

// Authenticate returns who a token stands for, or ErrUnauthorized (I9). Any
// node of the cluster accepts any node's tokens.
func (e *Engine) Authenticate(ctx context.Context, token string) (*Identity, error) {
	if token == "" {
		return nil, ErrUnauthorized
	}
	if e.Tuning().External != nil && !strings.HasPrefix(token, tokenHeader) {
		return e.external(ctx, token)
	}
	c, err := e.openToken(token, useSession)
	if err == nil {
		who := c.identity()
		if err = e.holds(who); err == nil {
			return who, nil
		}
	}
	if !errors.Is(err, ErrNotFound) { // of the key or of the user: they may be on their way
		return nil, refused(err)
	}
	return e.authenticateLater(ctx, token)
}

// authenticateLater is Authenticate for a node that may be behind.
func (e *Engine) authenticateLater(ctx context.Context, token string) (*Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, WaitLimit)
	defer cancel()
	c, err := e.openTokenOf(ctx, token, useSession)
	if err != nil {
		return nil, refused(err)
	}
	if err := e.awaitUser(ctx, c); err != nil {
		return nil, err
	}
	who := c.identity()
	if err := e.holds(who); err != nil {
		return nil, err
	}
	return who, nil
}

func (c *claims) identity() *Identity {
	return &Identity{User: c.User, Token: c.ID, Expires: c.Expires}
}

// holds returns why the identity does not hold any more: ErrUnauthorized if its
// token has been revoked or its account disabled, or the ban.
func (e *Engine) holds(who *Identity) error {
	if who.Token.IsZero() {
		if err := e.stands(who.User); !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil // another backend's user, not seen before
	}
	revoked, err := e.store.TokenRevoked(who.Token)
	if err != nil {
		return err
	}
	_, changed, err := e.store.Credentials(who.User)
	if err != nil {
		return refused(err)
	}
	if revoked || who.issuedBefore(changed) {
		return ErrUnauthorized
	}
	return refused(e.stands(who.User))
}

// refused hides why a token is no good; a disk's error it passes on.
func refused(err error) error {
	if errors.Is(err, errToken) || errors.Is(err, ErrNotFound) {
		return &Error{Code: ErrUnauthorized.Code, Message: ErrUnauthorized.Message, Err: err}
	}
	return err
}

// external lets in a user of another backend, making the account and its rooms on first sight.
func (e *Engine) external(ctx context.Context, token string) (*Identity, error) {
	x, err := e.externalUser(token)
	if err != nil {
		return nil, err
	}
	who := &Identity{User: DerivedID("user", x.Username), Expires: x.Expires}
	if err := e.holds(who); err != nil {
		return nil, err
	}
	missing, err := e.externalMissing(e.store, who.User, x)
	if err != nil {
		return nil, err
	}
	if missing {
		if err := e.mayJoin(who.User, len(x.Rooms)); err != nil {
			return nil, err
		}
		_, err = e.write(ctx, func(b *batch) error { return b.provision(who.User, x) })
	}
	return who, err
}

// externalUser returns what another backend's token says, if it may be believed.
func (e *Engine) externalUser(token string) (ExternalUser, error) {
	t, sum := e.tuned.Load(), sha256.Sum256([]byte(token))
	if t.External == nil {
		return ExternalUser{}, ErrUnauthorized
	}
	if v, ok := t.externals.get(sum); ok && e.now().Before(v.until) {
		return v.user, nil
	}
	x, err := t.External(token)
	if errors.Is(err, ErrUnavailable) {
		return x, err // nobody knows yet: clients that take it for a refusal would sign out
	}
	if err != nil {
		return x, &Error{Code: CodeUnauthorized, Message: "the token was not accepted", Err: err}
	}
	if err := checkName("sub", x.Username); err != nil {
		return x, err
	}
	if len(x.DisplayName) > maxDisplayName {
		return x, invalidField("name", "too_long", "the token's name is too long")
	}
	for _, name := range x.Rooms {
		if err := checkName("rooms", name); err != nil {
			return x, err
		}
	}
	if len(token) <= maxTokenLen {
		t.externals.put(sum, externalVerdict{x, x.believedUntil(e.now())})
	}
	return x, nil
}

// believedFor is how long another backend's token is not looked at again: its
// keys may change.
const believedFor = time.Minute

type externalVerdict struct {
	user  ExternalUser
	until time.Time
}

func (x *ExternalUser) believedUntil(now time.Time) time.Time {
	until := now.Add(believedFor)
	if !x.Expires.IsZero() && x.Expires.Before(until) {
		return x.Expires
	}
	return until
}

// externalMissing reports whether the token says something that is not so yet.
func (e *Engine) externalMissing(r Reader, user ID, x ExternalUser) (bool, error) {
	u, err := r.User(user)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil || (x.DisplayName != "" && u.DisplayName != x.DisplayName) {
		return true, err
	}
	for _, name := range x.Rooms {
		id, err := r.RoomNamed(name)
		if errors.Is(err, ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		room, err := r.Room(id)
		if err != nil {
			return false, err
		}
		if role, err := r.Role(id, user); err != nil || (role == RoleNone && !room.Archived) {
			return true, err
		}
	}
	return false, nil
}

// provision makes what an external token says so. Nothing of it may be refused:
// half a write must not be kept.
func (b *batch) provision(user ID, x ExternalUser) error {
	u, err := b.tx.User(user)
	switch {
	case errors.Is(err, ErrNotFound):
		// A name taken by a local account gives this one a suffix; it never gives it that account.
		err = b.append(&Event{Kind: KindUserCreated, User: user, Payload: &UserCreated{Username: x.Username, DisplayName: x.DisplayName}})
	case err == nil && x.DisplayName != "" && u.DisplayName != x.DisplayName:
		err = b.append(&Event{Kind: KindUserUpdated, User: user, Payload: &UserUpdated{DisplayName: &x.DisplayName}})
	}
	for _, name := range x.Rooms {
		if err == nil {
			err = b.provisionRoom(user, name)
		}
	}
	return err
}

func (b *batch) provisionRoom(user ID, name string) error {
	id, err := b.tx.RoomNamed(name)
	if errors.Is(err, ErrNotFound) {
		id = DerivedID("room", name)
		used, err := b.tx.RoomExists(id)
		if err != nil {
			return err
		}
		ev := &Event{Kind: KindRoomCreated, User: user, Payload: &RoomCreated{Name: name, Members: []MemberRole{{user, RoleMember}}}}
		if used { // renamed or deleted since: a room of this name is a new one
			ev.Stamp = b.stamp()
			id = b.id(ev.Stamp)
		}
		ev.Room = id
		return b.append(ev)
	}
	if err != nil {
		return err
	}
	if room, err := b.tx.Room(id); err != nil || room.Archived {
		return err
	}
	return b.join(id, user, RoleMember, user)
}
