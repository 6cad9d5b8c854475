package storage

import (
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

// userRecord is an account: registers that each keep the latest of what any
// event said, so that two creations of one account and updates that come
// before it merge the same way in every order.
type userRecord struct {
	Created     engine.ID        `cbor:"1,keyasint,omitzero"` // the first creation; zero: none yet
	Username    register[string] `cbor:"2,keyasint,omitzero"`
	DisplayName register[string] `cbor:"3,keyasint,omitzero"`
	Password    register[string] `cbor:"4,keyasint,omitzero"`
	Changed     engine.ID        `cbor:"5,keyasint,omitzero"` // the last update that set the password
	Admin       register[bool]   `cbor:"6,keyasint,omitzero"`
	Bot         register[bool]   `cbor:"7,keyasint,omitzero"`
	Disabled    *register[bool]  `cbor:"8,keyasint,omitempty"` // nil: nothing was said
	Deleted     engine.ID        `cbor:"9,keyasint,omitzero"`  // the first deletion; an account is never undeleted
}

func (r *userRecord) exists() bool { return !r.Created.IsZero() }

func (r *userRecord) deleted() bool { return !r.Deleted.IsZero() }

// claim is the name of an account, which gives its own up when it is deleted.
func (r *userRecord) claim(id engine.ID) claim {
	switch {
	case !r.exists():
		return claim{}
	case r.deleted():
		return claim{deletedName(id), r.Deleted}
	case r.Username.Value == "":
		return claim{}
	}
	return claim{r.Username.Value, r.Username.Version}
}

func deletedName(id engine.ID) string { return "deleted-" + strings.ToLower(id.String()) }

func (r *userRecord) admin() bool { return r.exists() && r.Admin.Value && !r.deleted() }

func (r *userRecord) idleAdmin() bool { return r.admin() && r.Disabled.said() }

func readUserRecord(g getter, id engine.ID) (*userRecord, error) {
	r := new(userRecord)
	v, err := g.get(idKey(kindUser, id))
	if err != nil || v == nil {
		return r, err
	}
	return r, decodeRecord(v, r)
}

func readUser(g getter, id engine.ID) (engine.User, error) {
	r, err := readUserRecord(g, id)
	if err != nil {
		return engine.User{}, err
	}
	if !r.exists() {
		return engine.User{}, engine.ErrNotFound
	}
	name, err := shownName(g, spaceUser, r.claim(id).name, id)
	u := engine.User{ID: id, Username: name, DisplayName: r.DisplayName.Value, Role: "user", Bot: r.Bot.Value}
	if r.deleted() {
		u.DisplayName = ""
	}
	if r.admin() {
		u.Role = "admin"
	}
	return u, err
}

// User implements engine.Reader.
func (s *Store) User(id engine.ID) (engine.User, error) {
	a := engine.About(engine.AboutUser, id, engine.ID{})
	return cached(s.cache, a, a, a, 128, func() (engine.User, error) { return readUser(s, id) })
}

// User implements engine.Reader.
func (t *Tx) User(id engine.ID) (engine.User, error) {
	if t.clean(engine.About(engine.AboutUser, id, engine.ID{})) {
		return t.s.User(id)
	}
	return readUser(t, id)
}

// UserNamed implements engine.Reader.
func (s *Store) UserNamed(name string) (engine.ID, error) { return s.named(spaceUser, name) }

// UserNamed implements engine.Reader.
func (t *Tx) UserNamed(name string) (engine.ID, error) { return named(t, spaceUser, name) }

// credentials are what authentication asks for.
type credentials struct {
	phc     string
	changed engine.ID
	engine.Standing
}

func readCredentials(g getter, id engine.ID) (credentials, error) {
	r, err := readUserRecord(g, id)
	if err == nil && !r.exists() {
		err = engine.ErrNotFound
	}
	if err != nil {
		return credentials{}, err
	}
	c := credentials{r.Password.Value, r.Changed, engine.Standing{Disabled: r.Disabled.said(), Deleted: r.deleted()}}
	if c.Deleted {
		c.phc = ""
	}
	return c, nil
}

func (s *Store) credentials(user engine.ID) (credentials, error) {
	u := engine.About(engine.AboutUser, user, engine.ID{})
	return cached(s.cache, engine.About(aboutCredentials, user, engine.ID{}), u, u, 128,
		func() (credentials, error) { return readCredentials(s, user) })
}

func (t *Tx) credentials(user engine.ID) (credentials, error) {
	if t.clean(engine.About(engine.AboutUser, user, engine.ID{})) {
		return t.s.credentials(user)
	}
	return readCredentials(t, user)
}

// Credentials implements engine.Secrets.
func (s *Store) Credentials(user engine.ID) (phc string, changed engine.ID, err error) {
	c, err := s.credentials(user)
	return c.phc, c.changed, err
}

// Credentials implements engine.Secrets.
func (t *Tx) Credentials(user engine.ID) (phc string, changed engine.ID, err error) {
	c, err := t.credentials(user)
	return c.phc, c.changed, err
}

// Standing implements engine.Secrets.
func (s *Store) Standing(user engine.ID) (engine.Standing, error) {
	c, err := s.credentials(user)
	return c.Standing, err
}

// Standing implements engine.Secrets.
func (t *Tx) Standing(user engine.ID) (engine.Standing, error) {
	c, err := t.credentials(user)
	return c.Standing, err
}

func (t *Tx) createUser(e *engine.Event, p *engine.UserCreated) error {
	if !p.Invite.IsZero() {
		t.note(t.set(idKey(kindInvite, p.Invite), []byte{}))
	}
	return t.changeUser(e.User, func(r *userRecord) {
		id := e.ID()
		r.Created = minID(r.Created, id)
		r.Username.set(id, p.Username)
		r.DisplayName.set(id, p.DisplayName)
		r.Password.set(id, p.Password)
		r.Admin.set(id, p.Admin)
		r.Bot.set(id, p.Bot)
	})
}

func (t *Tx) updateUser(e *engine.Event, p *engine.UserUpdated) error {
	id := e.ID()
	if p.Password != nil {
		if err := t.dropSignIns(e.User, func(s engine.SignIn) bool { return s.ID.Compare(id) < 0 }); err != nil {
			return err
		}
	}
	return t.changeUser(e.User, func(r *userRecord) {
		r.Username.setPtr(id, p.Username)
		r.DisplayName.setPtr(id, p.DisplayName)
		r.Password.setPtr(id, p.Password)
		r.Admin.setPtr(id, p.Admin)
		if p.Password != nil && id.Compare(r.Changed) > 0 {
			r.Changed = id
		}
	})
}

func (t *Tx) setAccount(e *engine.Event, p *engine.AccountSet) error {
	if p.Deleted {
		if err := t.dropSignIns(e.User, func(engine.SignIn) bool { return true }); err != nil {
			return err
		}
	}
	return t.changeUser(e.User, func(r *userRecord) {
		if p.Disabled != nil {
			r.Disabled = r.Disabled.with(e.ID(), *p.Disabled)
		}
		if p.Deleted {
			r.Deleted = minID(r.Deleted, e.ID())
		}
	})
}

// changeUser applies an event to a user's record and brings the indexes in line.
func (t *Tx) changeUser(id engine.ID, apply func(r *userRecord)) error {
	r, err := readUserRecord(t, id)
	if err != nil {
		return err
	}
	before, wasAdmin, wasIdle := r.claim(id), r.admin(), r.idleAdmin()
	apply(r)
	b, err := encMode.Marshal(r)
	if err != nil {
		return err
	}
	if err := t.set(idKey(kindUser, id), b); err != nil {
		return err
	}
	t.touch(engine.About(engine.AboutUser, id, engine.ID{}))
	if err := t.countChange(adminsKey(), wasAdmin, r.admin()); err != nil {
		return err
	}
	if err := t.countChange(idleAdminsKey(), wasIdle, r.idleAdmin()); err != nil {
		return err
	}
	return t.reclaim(spaceUser, id, before, r.claim(id))
}

// countChange counts one who has come to be something, or ceased to.
func (t *Tx) countChange(k []byte, was, is bool) error {
	switch {
	case is && !was:
		return t.count1(k, 1)
	case was && !is:
		return t.count1(k, -1)
	}
	return nil
}

// count1 changes a count kept under a key of its own; zero is no key.
func (t *Tx) count1(k []byte, by int) error {
	v, err := t.get(k)
	if err != nil {
		return err
	}
	n, err := parseCount(v)
	if err != nil {
		return err
	}
	if n += by; n <= 0 {
		return t.del(k)
	}
	return t.set(k, appendCount(nil, n))
}
