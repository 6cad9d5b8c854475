package storage

import (
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
}

func (r *userRecord) exists() bool { return !r.Created.IsZero() }

func (r *userRecord) claim() claim {
	if !r.exists() || r.Username.Value == "" {
		return claim{}
	}
	return claim{r.Username.Value, r.Username.Version}
}

func (r *userRecord) admin() bool { return r.exists() && r.Admin.Value }

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
	name, err := shownName(g, spaceUser, r.Username.Value, id)
	u := engine.User{ID: id, Username: name, DisplayName: r.DisplayName.Value, Role: "user", Bot: r.Bot.Value}
	if r.Admin.Value {
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
}

func readCredentials(g getter, id engine.ID) (credentials, error) {
	r, err := readUserRecord(g, id)
	if err == nil && !r.exists() {
		err = engine.ErrNotFound
	}
	if err != nil {
		return credentials{}, err
	}
	return credentials{r.Password.Value, r.Changed}, nil
}

// Credentials implements engine.Secrets.
func (s *Store) Credentials(user engine.ID) (phc string, changed engine.ID, err error) {
	u := engine.About(engine.AboutUser, user, engine.ID{})
	c, err := cached(s.cache, engine.About(aboutCredentials, user, engine.ID{}), u, u, 128,
		func() (credentials, error) { return readCredentials(s, user) })
	return c.phc, c.changed, err
}

// Credentials implements engine.Secrets.
func (t *Tx) Credentials(user engine.ID) (phc string, changed engine.ID, err error) {
	if t.clean(engine.About(engine.AboutUser, user, engine.ID{})) {
		return t.s.Credentials(user)
	}
	c, err := readCredentials(t, user)
	return c.phc, c.changed, err
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

// changeUser applies an event to a user's record and brings the indexes in line.
func (t *Tx) changeUser(id engine.ID, apply func(r *userRecord)) error {
	r, err := readUserRecord(t, id)
	if err != nil {
		return err
	}
	before, wasAdmin := r.claim(), r.admin()
	apply(r)
	b, err := encMode.Marshal(r)
	if err != nil {
		return err
	}
	if err := t.set(idKey(kindUser, id), b); err != nil {
		return err
	}
	t.touch(engine.About(engine.AboutUser, id, engine.ID{}))
	if r.admin() != wasAdmin {
		if err := t.countAdmins(r.admin()); err != nil {
			return err
		}
	}
	return t.reclaim(spaceUser, id, before, r.claim())
}

func (t *Tx) countAdmins(more bool) error {
	by := -1
	if more {
		by = 1
	}
	return t.count1(adminsKey(), by)
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
