package storage

import (
	"encoding/binary"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// Which sign-ins are kept must not depend on when events came, nor on this node's
// clock. Kept is what was issued, is not revoked, is not older than its user's last
// change of the password, whose user is not deleted, and had not expired when the user last signed in: so
// expired ones go with the next sign-in, and the time of that is kept too. All this
// rests on a token having one owner, whom its revocation names as well.

// signIn is the value of a sign-in.
type signIn struct {
	expires engine.Time
	agent   string
}

func (s signIn) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(s.expires)), s.agent...)
}

func parseSignIn(b []byte) (signIn, error) {
	if len(b) < 8 {
		return signIn{}, errRecord
	}
	return signIn{engine.Time(binary.BigEndian.Uint64(b)), string(b[8:])}, nil
}

func (s signIn) of(token engine.ID) engine.SignIn {
	return engine.SignIn{ID: token, At: token.Time(), Expires: s.expires, Agent: s.agent}
}

func (t *Tx) signedIn(e *engine.Event, p *engine.TokenIssued) error {
	latest, err := t.latestSignIn(e.User, e.Stamp.Time())
	if err != nil || p.Expires <= latest {
		return err
	}
	if revoked, err := t.TokenRevoked(p.Token); err != nil || revoked {
		return err
	}
	r, err := readUserRecord(t, e.User)
	if err != nil || r.deleted() || p.Token.Compare(r.Changed) < 0 {
		return err
	}
	k := idKey(kindSignIn, e.User, p.Token)
	old, err := t.get(k)
	if err != nil {
		return err
	}
	now := signIn{p.Expires, p.Agent}.encode()
	if slices.Compare(now, old) <= 0 {
		return nil // told twice: what sorts later stays, in whatever order they came
	}
	if t.signIns[e.User] == nil {
		t.signIns[e.User] = map[engine.ID]struct{}{}
	}
	t.signIns[e.User][p.Token] = struct{}{}
	return t.set(k, now)
}

// latestSignIn is when the user last signed in, if that is at the earliest. Where that moves, what
// has expired by then goes.
func (t *Tx) latestSignIn(user engine.ID, at engine.Time) (engine.Time, error) {
	k := idKey(kindLatest, user)
	v, err := t.get(k)
	if err != nil {
		return 0, err
	}
	if v != nil {
		if len(v) != 8 {
			return 0, errRecord
		}
		if old := engine.Time(binary.BigEndian.Uint64(v)); old >= at {
			return old, nil
		}
	}
	t.note(t.set(k, binary.BigEndian.AppendUint64(nil, uint64(at))))
	return at, t.dropSignIns(user, func(s engine.SignIn) bool { return s.Expires <= at })
}

// dropSignIns forgets some of a user's sign-ins.
func (t *Tx) dropSignIns(user engine.ID, which func(engine.SignIn) bool) error {
	list, err := t.SignIns(user)
	for i := range list {
		if which(list[i]) {
			t.note(t.del(idKey(kindSignIn, user, list[i].ID)))
		}
	}
	return err
}

// endSignIn is for a token that is revoked by its owner. If it comes before the
// sign-in, that finds the revocation.
func (t *Tx) endSignIn(user, token engine.ID) error {
	k := idKey(kindSignIn, user, token)
	v, err := t.get(k)
	if err != nil || v == nil {
		return err
	}
	return t.del(k)
}

// SignIns implements engine.Secrets.
func (s *Store) SignIns(user engine.ID) (list []engine.SignIn, err error) {
	err = s.eachSignIn(user, func(token engine.ID, v []byte) error {
		list, err = appendSignIn(list, token, v)
		return err
	})
	return list, err
}

func appendSignIn(list []engine.SignIn, token engine.ID, value []byte) ([]engine.SignIn, error) {
	v, err := parseSignIn(value)
	if err != nil {
		return list, err
	}
	return append(list, v.of(token)), nil
}

func (s *Store) eachSignIn(user engine.ID, fn func(token engine.ID, value []byte) error) error {
	return s.listAfter(appendIDs(nil, kindSignIn, user), idKey(kindSignIn, user, engine.ID{}), func(k key, v []byte) (bool, error) {
		return true, fn(k.ids[1], v)
	})
}

// SignIns implements engine.Secrets: those on the disk, as the batch has changed
// them, and those that it has added.
func (t *Tx) SignIns(user engine.ID) (list []engine.SignIn, err error) {
	added := t.signIns[user]
	err = t.s.eachSignIn(user, func(token engine.ID, v []byte) error {
		if _, ok := added[token]; ok {
			return nil
		}
		if changed, ok := t.overlay[string(idKey(kindSignIn, user, token))]; ok {
			v = changed
		}
		if v != nil {
			list, err = appendSignIn(list, token, v)
		}
		return err
	})
	for token := range added {
		if err != nil {
			break
		}
		if v := t.overlay[string(idKey(kindSignIn, user, token))]; v != nil {
			list, err = appendSignIn(list, token, v)
		}
	}
	slices.SortFunc(list, func(a, b engine.SignIn) int { return a.ID.Compare(b.ID) })
	return list, err
}
