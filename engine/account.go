package engine

import (
	"context"
	"fmt"
)

// Account is a user as administration sees it.
type Account struct {
	User
	Disabled   bool `json:"disabled"`
	Deleted    bool `json:"deleted"`
	Password   bool `json:"password"` // has one
	CreatedAt  Time `json:"created_at"`
	LastSignIn Time `json:"last_sign_in_at,omitzero"`
}

// NewAccount is a request for an account. Without a Password nobody signs in to it by one.
type NewAccount struct {
	Username, Password, DisplayName string
	Admin, Bot                      bool
}

// AccountChange is what is changed of an account; nil stays.
type AccountChange struct {
	Username, DisplayName *string
	Password              *string // "": none any more; ends all sign-ins
	Admin                 *bool
	Disabled              *bool // ends all sessions; tokens are refused, here and on every node, until it is enabled
}

// Accounts lists all accounts in order of ID, after one; next is where to go on, zero at the end.
func (e *Engine) Accounts(who *Identity, after ID, limit int) (items []Account, next ID, err error) {
	if err := e.administers(who); err != nil {
		return nil, ID{}, err
	}
	ids, err := e.store.Users(after, limit+1)
	if err != nil {
		return nil, ID{}, err
	}
	ids, next = pageOfIDs(ids, limit)
	items, err = each(ids, e.store.Account)
	return items, next, err
}

// Account returns one account.
func (e *Engine) Account(who *Identity, user ID) (Account, error) {
	if err := e.administers(who); err != nil {
		return Account{}, err
	}
	return e.store.Account(user)
}

// AddAccount makes an account.
func (e *Engine) AddAccount(ctx context.Context, who *Identity, n NewAccount) (Account, Receipt, error) {
	if err := e.administers(who); err != nil {
		return Account{}, Receipt{}, err
	}
	err := firstError(checkName("username", n.Username), checkText("display_name", n.DisplayName, 0, maxDisplayName))
	if err == nil {
		err = nameFree(e.store, n.Username) // before the costly hash
	}
	p := &UserCreated{Username: n.Username, DisplayName: n.DisplayName, Admin: n.Admin, Bot: n.Bot}
	if err == nil && n.Password != "" {
		p.Password, err = e.hashed(n.Password)
	}
	if err != nil {
		return Account{}, Receipt{}, err
	}
	var id ID
	receipt, err := e.manage(ctx, who, writeOverhead, func(b *batch) error {
		if err := nameFree(b.tx, n.Username); err != nil {
			return err
		}
		s := b.stamp()
		id = b.id(s)
		return b.append(&Event{Stamp: s, Kind: KindUserCreated, User: id, Payload: p})
	})
	return e.accounted(id, receipt, err)
}

func (e *Engine) hashed(password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return e.passwords.hash(password)
}

// accounted returns an account as it is after a write.
func (e *Engine) accounted(user ID, receipt Receipt, err error) (Account, Receipt, error) {
	if err != nil {
		return Account{}, Receipt{}, err
	}
	a, err := e.store.Account(user)
	return a, receipt, err
}

var (
	errLastAdmin = &Error{Code: CodeConflict, Message: "this is the last administrator; make another one first"}
	errDeleted   = &Error{Code: CodeConflict, Message: "the account is deleted"}
)

// ChangeAccount changes an account. Only the operator may take the last administrator's rights.
func (e *Engine) ChangeAccount(ctx context.Context, who *Identity, user ID, c AccountChange) (Account, Receipt, error) {
	if err := e.administers(who); err != nil {
		return Account{}, Receipt{}, err
	}
	if _, err := e.store.User(user); err != nil {
		return Account{}, Receipt{}, err
	}
	p, err := e.accountUpdate(c)
	if err != nil {
		return Account{}, Receipt{}, err
	}
	receipt, err := e.manage(ctx, who, writeOverhead, func(b *batch) error {
		if err := b.mayChange(who, user, c); err != nil {
			return err
		}
		if *p != (UserUpdated{}) {
			if err := b.append(&Event{Kind: KindUserUpdated, User: user, Payload: p}); err != nil {
				return err
			}
		}
		if c.Disabled == nil {
			return nil
		}
		return b.append(&Event{Kind: KindAccountSet, User: user, Payload: &AccountSet{Disabled: c.Disabled, By: who.User}})
	})
	return e.accounted(user, receipt, err)
}

// accountUpdate checks a change and hashes its password.
func (e *Engine) accountUpdate(c AccountChange) (*UserUpdated, error) {
	p := &UserUpdated{Username: c.Username, DisplayName: c.DisplayName, Admin: c.Admin, Password: c.Password}
	if c.Username != nil {
		if err := checkName("username", *c.Username); err != nil {
			return nil, err
		}
	}
	if c.DisplayName != nil {
		if err := checkText("display_name", *c.DisplayName, 0, maxDisplayName); err != nil {
			return nil, err
		}
	}
	if c.Password == nil || *c.Password == "" {
		return p, nil
	}
	phc, err := e.hashed(*c.Password)
	p.Password = &phc
	return p, err
}

// mayChange decides in the committer.
func (b *batch) mayChange(who *Identity, user ID, c AccountChange) error {
	u, err := b.tx.User(user)
	if err != nil {
		return err
	}
	if st, err := b.tx.Standing(user); err != nil || st.Deleted {
		return firstError(err, errDeleted)
	}
	if c.Username != nil && *c.Username != u.Username {
		if err := nameFree(b.tx, *c.Username); err != nil {
			return err
		}
	}
	if (c.Admin != nil && !*c.Admin) || (c.Disabled != nil && *c.Disabled) {
		return b.leavesAdmin(who, user)
	}
	return nil
}

// leavesAdmin refuses to an administrator what would leave none. Two nodes that do not
// hear of each other may take two at once; the operator can mend it.
func (b *batch) leavesAdmin(who *Identity, user ID) error {
	u, err := b.tx.User(user)
	if err != nil || who.Operator || !u.Admin() {
		return err
	}
	st, err := b.tx.Standing(user)
	if err != nil || st.Disabled {
		return err
	}
	n, err := b.tx.Admins()
	if err == nil && n <= 1 {
		err = errLastAdmin
	}
	return err
}

// leavesAtOnce is from how many rooms one write takes a user who is deleted.
const leavesAtOnce = 200

// DeleteAccount ends an account for ever: its name is free, its sign-ins and
// memberships end. What it wrote stays: see Purge. A deletion that was cut off may be repeated.
func (e *Engine) DeleteAccount(ctx context.Context, who *Identity, user ID) (Receipt, error) {
	if err := e.administers(who); err != nil {
		return Receipt{}, err
	}
	if _, err := e.store.User(user); err != nil {
		return Receipt{}, err
	}
	receipt, err := e.manage(ctx, who, writeOverhead, func(b *batch) error {
		if st, err := b.tx.Standing(user); err != nil || st.Deleted {
			return err
		}
		if err := b.leavesAdmin(who, user); err != nil {
			return err
		}
		return b.append(&Event{Kind: KindAccountSet, User: user, Payload: &AccountSet{Deleted: true, By: who.User}})
	})
	for more := true; err == nil && more; {
		receipt, more, err = e.leaveSome(ctx, who, user, receipt)
	}
	return receipt, err
}

// leaveSome takes a user out of some rooms; more says that there may be others.
func (e *Engine) leaveSome(ctx context.Context, who *Identity, user ID, before Receipt) (_ Receipt, more bool, err error) {
	ms, err := e.store.RoomsOf(user, ID{}, leavesAtOnce)
	if err != nil || len(ms) == 0 {
		return before, false, err
	}
	receipt, err := e.writeSized(ctx, len(ms)*writeOverhead, func(b *batch) error {
		for _, m := range ms {
			if err := b.append(&Event{Kind: KindMemberSet, Room: m.Room, User: user, Payload: &MemberSet{By: who.User}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return before, false, fmt.Errorf("end memberships: %w", err)
	}
	return receipt, len(ms) == leavesAtOnce, nil
}
