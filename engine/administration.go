package engine

import (
	"context"
	"errors"
)

// An administrator is a user with the server's role; the operator has the node's
// control socket and no account. Both manage everything; only the operator also
// reads private rooms without being in them.

// TheOperator is who speaks over the control socket.
var TheOperator = &Identity{Operator: true}

// accounts is who has which rights: in the store, or in a batch that is being filled.
type accounts interface {
	User(ID) (User, error)
	Standing(ID) (Standing, error)
}

// administers returns ErrForbidden for those who may not manage this server.
func (e *Engine) administers(who *Identity) error { return e.administersIn(e.store, who) }

func (e *Engine) administersIn(in accounts, who *Identity) error {
	if who == nil {
		return ErrForbidden
	}
	if who.Operator {
		return nil
	}
	u, err := in.User(who.User)
	if err == nil && u.Admin() {
		err = e.standsIn(in, who.User)
	}
	switch {
	case errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnauthorized) || (err == nil && !u.Admin()):
		return ErrForbidden
	case err != nil:
		return err
	}
	return nil
}

// manage is write for administration. Much may have happened since the caller was let
// in, while a password was hashed say: who has lost the right by then is refused.
func (e *Engine) manage(ctx context.Context, who *Identity, size int, prepare func(*batch) error) (Receipt, error) {
	return e.writeSized(ctx, size, func(b *batch) error {
		if err := e.administersIn(b.tx, who); err != nil {
			return err
		}
		return prepare(b)
	})
}

// Standing is what administration has said of an account.
type Standing struct{ Disabled, Deleted bool }

// stands returns why an account may not be used: ErrUnauthorized if it is disabled or
// deleted, CodeForbidden with the ban, ErrNotFound for none.
func (e *Engine) stands(user ID) error { return e.standsIn(e.store, user) }

func (e *Engine) standsIn(in accounts, user ID) error {
	st, err := in.Standing(user)
	if err != nil {
		return err
	}
	if st.Disabled || st.Deleted {
		return ErrUnauthorized
	}
	if ban, ok := e.bans.ofUser(user); ok {
		return ban.refusal("this account")
	}
	return nil
}

// pageOfIDs cuts a list of at most limit from one that holds one more; next is where to go on, zero at the end.
func pageOfIDs(ids []ID, limit int) (page []ID, next ID) {
	if len(ids) <= limit {
		return ids, ID{}
	}
	return ids[:limit], ids[limit-1]
}

// each looks up the things of a page. Those that have gone since it was read are left out.
func each[T any](ids []ID, find func(ID) (T, error)) ([]T, error) {
	items := make([]T, 0, len(ids))
	for _, id := range ids {
		v, err := find(id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}
