package engine

import (
	"context"
	"errors"
)

// Registering is a request for an account.
type Registering struct {
	Username    string
	Password    string
	DisplayName string
	Invite      string
	Agent       string // of the program that asks; see SignIn
}

// Register makes an account and signs it in.
func (e *Engine) Register(ctx context.Context, r Registering) (User, string, Receipt, error) {
	invite, err := e.admission(ctx, r.Invite)
	if err == nil {
		err = firstError(checkName("username", r.Username), checkPassword(r.Password),
			checkText("display_name", r.DisplayName, 0, maxDisplayName))
	}
	if err == nil {
		err = nameFree(e.store, r.Username) // before the costly hash; decided in the committer
	}
	if err != nil {
		return User{}, "", Receipt{}, err
	}
	phc, err := e.passwords.hash(r.Password)
	if err != nil {
		return User{}, "", Receipt{}, err
	}
	var session claims
	receipt, err := e.write(ctx, func(b *batch) error {
		if err := firstError(nameFree(b.tx, r.Username), inviteHolds(b.tx, invite), e.vouched(b.tx, invite)); err != nil {
			return err
		}
		s := b.stamp()
		id := b.id(s)
		err := b.append(&Event{Stamp: s, Kind: KindUserCreated, User: id, Payload: &UserCreated{
			Username: r.Username, DisplayName: r.DisplayName, Password: phc, Admin: invite.Admin, Invite: invite.ID,
		}})
		if err != nil {
			return err
		}
		session = e.session(id, b.id(b.stamp()))
		return b.signedIn(&session, r.Agent)
	})
	if err != nil {
		return User{}, "", Receipt{}, err
	}
	u, err := e.store.User(session.User)
	return u, e.issue(session), receipt, err
}

// admission decides whether one may register; its claims are zero without an invite.
func (e *Engine) admission(ctx context.Context, invite string) (c claims, err error) {
	if invite == "" {
		if e.Registration() == RegistrationOpen {
			return claims{}, nil
		}
		return claims{}, &Error{Code: CodeForbidden, Message: "registration here needs an invite"}
	}
	c, err = e.openTokenOf(ctx, invite, useInvite)
	if errors.Is(err, ErrNotCaughtUp) {
		return claims{}, err
	}
	if err != nil {
		return claims{}, &Error{Code: CodeForbidden, Message: "the invite is not valid or has expired", Err: err}
	}
	if e.Registration() == RegistrationClosed && !c.Setup {
		return claims{}, &Error{Code: CodeForbidden, Message: "registration is closed"}
	}
	return c, firstError(inviteHolds(e.store, c), e.vouched(e.store, c))
}

// vouched refuses an invite whose maker does not administer the server any more: who has
// lost the role has lost what was made with it for later. What is not known here yet, nor
// who made it, cannot be judged.
func (e *Engine) vouched(in accounts, c claims) error {
	if c.ID.IsZero() || c.Setup {
		return nil
	}
	made, err := e.store.Invitation(c.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil && !made.By.IsZero() {
		err = e.administersIn(in, &Identity{User: made.By})
	}
	if errors.Is(err, ErrForbidden) {
		err = &Error{Code: CodeForbidden, Message: "the invite was made by somebody who may not invite any more"}
	}
	return err
}

// inviteHolds refuses an invite that was used, and a setup link once there is an administrator.
func inviteHolds(s Secrets, c claims) error {
	if c.ID.IsZero() {
		return nil
	}
	spent, err := s.InviteUsed(c.ID)
	if err == nil && !spent && c.Setup {
		spent, err = s.HasAdmin()
	}
	if err == nil && spent {
		err = &Error{Code: CodeForbidden, Message: "the invite has been used"}
	}
	if err != nil {
		return err
	}
	revoked, err := s.TokenRevoked(c.ID)
	if err == nil && revoked {
		err = &Error{Code: CodeForbidden, Message: "the invite has been revoked"}
	}
	return err
}

func nameFree(r Reader, username string) error {
	_, err := r.UserNamed(username)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = &Error{Code: CodeConflict, Message: "the username is taken", Fields: []FieldError{{"username", "taken"}}}
	}
	return err
}

// SetupInvite returns the invite of the first administrator, "" when there is
// one already. Once there is one, no setup invite holds any more.
func (e *Engine) SetupInvite() (string, error) {
	has, err := e.store.HasAdmin()
	if err != nil || has {
		return "", err
	}
	return e.signToken(claims{ID: e.tokenID(), Use: useInvite, Admin: true, Setup: true, Expires: e.now().Add(inviteLifetime).UTC()}), nil
}

func (e *Engine) tokenID() ID { return MakeID(e.clock.Next(), e.store.Origin()) }

// session is what a session token says.
func (e *Engine) session(user, token ID) claims {
	return claims{ID: token, Use: useSession, User: user, Expires: e.now().Add(e.cfg.TokenLifetime).UTC()}
}

// issue signs a session token.
func (e *Engine) issue(session claims) string {
	session.At = e.store.Position().Seq(e.store.Origin())
	return e.signToken(session)
}

// errPassword is what a disabled account is told too.
var errPassword = &Error{Code: CodeUnauthorized, Message: "the username or the password is wrong"}

// Login checks a password and signs in; agent is the program that asks (see SignIn).
// The error does not tell whether the user exists.
func (e *Engine) Login(ctx context.Context, username, password, agent string) (User, string, error) {
	token := e.tokenID() // older than any password but the one that is checked: a later one voids it
	id, err := e.store.UserNamed(username)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, "", err
	}
	phc := ""
	if err == nil {
		if phc, _, err = e.store.Credentials(id); err != nil {
			return User{}, "", err
		}
	}
	if len(password) > maxPasswordLen || !e.passwords.check(password, phc) {
		return User{}, "", errPassword
	}
	if err := e.stands(id); err != nil {
		if errors.Is(err, ErrUnauthorized) {
			err = errPassword
		}
		return User{}, "", err
	}
	u, err := e.store.User(id)
	if err != nil {
		return User{}, "", err
	}
	session := e.session(id, token)
	if err := e.recordSignIn(ctx, &session, agent); err != nil {
		return User{}, "", err
	}
	return u, e.issue(session), nil
}

// Logout revokes the identity's token on every node. Tokens of another backend cannot be revoked here.
func (e *Engine) Logout(ctx context.Context, who *Identity) (Receipt, error) {
	if who.Token.IsZero() {
		return Receipt{}, &Error{Code: CodeForbidden, Message: "this token is another backend's; it ends there"}
	}
	return e.write(ctx, func(b *batch) error {
		return b.revoke(who.User, who.Token, Time(who.Expires.UnixMilli()))
	})
}

// ProfileChange is what a user changes of the own account; nil stays.
type ProfileChange struct {
	DisplayName     *string
	Password        *string // ends all tokens but the one returned
	CurrentPassword string  // needed with Password
	Agent           string  // of the program that asks, for the new token's SignIn
}

// UpdateMe changes the own account. After a new password, token is the only one that holds.
func (e *Engine) UpdateMe(ctx context.Context, who *Identity, c ProfileChange) (u User, token string, receipt Receipt, err error) {
	if c.DisplayName == nil && c.Password == nil {
		if receipt, err = e.settled(ctx); err == nil {
			u, err = e.store.User(who.User)
		}
		return u, "", receipt, err
	}
	p := &UserUpdated{DisplayName: c.DisplayName}
	var checked ID
	var session claims
	if c.DisplayName != nil {
		err = checkText("display_name", *c.DisplayName, 0, maxDisplayName)
	}
	if err == nil && c.Password != nil {
		p.Password, checked, err = e.newPassword(who, c)
	}
	if err != nil {
		return User{}, "", Receipt{}, err
	}
	receipt, err = e.write(ctx, func(b *batch) error {
		if p.Password != nil {
			if err := b.passwordIs(who.User, checked); err != nil {
				return err
			}
		}
		err := b.append(&Event{Kind: KindUserUpdated, User: who.User, Payload: p})
		if err != nil || p.Password == nil {
			return err
		}
		session = e.session(who.User, b.id(b.stamp()))
		return b.signedIn(&session, c.Agent)
	})
	if err == nil {
		u, err = e.store.User(who.User)
	}
	if err == nil && c.Password != nil {
		token = e.issue(session)
	}
	return u, token, receipt, err
}

// newPassword hashes the new password; checked is the version of the current one.
func (e *Engine) newPassword(who *Identity, c ProfileChange) (hash *string, checked ID, err error) {
	if err := checkPassword(*c.Password); err != nil {
		return nil, checked, err
	}
	phc, checked, err := e.store.Credentials(who.User)
	if err != nil {
		return nil, checked, err
	}
	if !e.passwords.check(c.CurrentPassword, phc) {
		return nil, checked, errCurrentPassword
	}
	phc, err = e.passwords.hash(*c.Password)
	return &phc, checked, err
}

var errCurrentPassword = &Error{Code: CodeForbidden, Message: "the current password is wrong", Fields: []FieldError{{"current_password", "wrong"}}}

// passwordIs refuses to go on if the password has changed since it was checked.
func (b *batch) passwordIs(user, checked ID) error {
	_, changed, err := b.tx.Credentials(user)
	if err == nil && changed != checked {
		err = errCurrentPassword
	}
	return err
}

// FindUser returns a user by ID or shown name.
func (e *Engine) FindUser(ref string) (User, error) {
	id, err := ParseID(ref)
	if err != nil {
		if id, err = e.store.UserNamed(ref); err != nil {
			return User{}, err
		}
	}
	return e.store.User(id)
}
