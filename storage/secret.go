package storage

import (
	"encoding/binary"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

func (t *Tx) nodeKey(e *engine.Event, p *engine.NodeKey) error {
	k := originKey(kindNodeKey, e.Origin)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	if v != nil {
		version, _, err := versioned(v)
		if err != nil || e.ID().Compare(version) <= 0 {
			return err
		}
	}
	t.touch(engine.AboutKeyOf(e.Origin))
	id := e.ID()
	return t.set(k, append(append([]byte(nil), id[:]...), p.Public...))
}

func (t *Tx) revoke(e *engine.Event, p *engine.TokenRevoked) error {
	k := idKey(kindToken, p.Token)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	expires := uint64(p.Expires)
	if len(v) == 8 {
		expires = max(expires, binary.BigEndian.Uint64(v))
	}
	t.touch(engine.About(engine.AboutToken, p.Token, engine.ID{}))
	t.note(t.set(k, binary.BigEndian.AppendUint64(nil, expires)))
	return t.endSignIn(e.User, p.Token)
}

func present(value []byte, err error) (bool, error) { return value != nil, err }

// TokenRevoked implements engine.Secrets.
func (s *Store) TokenRevoked(token engine.ID) (bool, error) {
	a := engine.About(engine.AboutToken, token, engine.ID{})
	return cached(s.cache, a, a, a, 0, func() (bool, error) { return present(s.probe(idKey(kindToken, token))) })
}

// TokenRevoked implements engine.Secrets.
func (t *Tx) TokenRevoked(token engine.ID) (bool, error) {
	return present(t.get(idKey(kindToken, token)))
}

func readNodeKey(g getter, o engine.Origin) ([]byte, error) {
	v, err := absent(g.get(originKey(kindNodeKey, o)))
	if err != nil {
		return nil, err
	}
	_, public, err := versioned(v)
	return append([]byte(nil), public...), err
}

// NodeKey implements engine.Secrets.
func (s *Store) NodeKey(o engine.Origin) ([]byte, error) {
	a := engine.AboutKeyOf(o)
	public, err := cached(s.cache, a, a, a, 32, func() ([]byte, error) { return readNodeKey(s, o) })
	return slices.Clone(public), err
}

// NodeKey implements engine.Secrets.
func (t *Tx) NodeKey(o engine.Origin) ([]byte, error) { return readNodeKey(t, o) }

// InviteUsed implements engine.Secrets.
func (s *Store) InviteUsed(invite engine.ID) (bool, error) {
	return present(s.probe(idKey(kindInvite, invite)))
}

// InviteUsed implements engine.Secrets.
func (t *Tx) InviteUsed(invite engine.ID) (bool, error) {
	return present(t.get(idKey(kindInvite, invite)))
}

// HasAdmin implements engine.Secrets.
func (s *Store) HasAdmin() (bool, error) { return present(s.get(adminsKey())) }

// Admins implements engine.Secrets.
func (s *Store) Admins() (int, error) { return readAdmins(s) }

// Admins implements engine.Secrets.
func (t *Tx) Admins() (int, error) { return readAdmins(t) }

func readAdmins(g getter) (int, error) {
	all, err := readCount(g, adminsKey())
	if err != nil {
		return 0, err
	}
	idle, err := readCount(g, idleAdminsKey())
	return all - idle, err
}

func readCount(g getter, k []byte) (int, error) {
	v, err := g.get(k)
	if err != nil {
		return 0, err
	}
	return parseCount(v)
}

// HasAdmin implements engine.Secrets.
func (t *Tx) HasAdmin() (bool, error) { return present(t.get(adminsKey())) }
