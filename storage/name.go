package storage

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

// The same name may be taken on two nodes before they met (I3). Each name has a
// list of its claims in order of (version, owner); the first owner is shown
// with the plain name, all later ones with a suffix made from their ID. The
// shown name is worked out when it is read: nothing else has to be rewritten.
// Names that users choose hold no '~', so a shown name is never a claim.

const (
	suffixMark  = '~'
	suffixChars = 5
	crockford   = "0123456789abcdefghjkmnpqrstvwxyz"
)

// suffix is the visible mark of a later claim.
func suffix(id engine.ID) string {
	sum := sha256.Sum256(id[:])
	b := []byte{suffixMark}
	for i := range suffixChars {
		b = append(b, crockford[sum[i]&31])
	}
	return string(b)
}

// claim is what an entity claims: nothing if the name is empty.
type claim struct {
	name    string
	version engine.ID
}

// shownName is the name under which an entity is known.
func shownName(g getter, space byte, name string, id engine.ID) (string, error) {
	if name == "" {
		return "", nil
	}
	list, err := readClaims(g, nameKey(space, name))
	if err != nil {
		return "", err
	}
	if len(list) == 0 || list[0].b == id {
		return name, nil
	}
	return name + suffix(id), nil
}

// named finds the entity with a shown name.
func named(g getter, space byte, name string) (engine.ID, error) {
	plain, sfx := name, ""
	if i := len(name) - suffixChars - 1; i > 0 && name[i] == suffixMark && strings.IndexByte(name, suffixMark) == i {
		plain, sfx = name[:i], name[i:]
	}
	list, err := readClaims(g, nameKey(space, plain))
	if err != nil {
		return engine.ID{}, err
	}
	for i, c := range list {
		if (sfx == "" && i == 0) || (sfx != "" && i > 0 && suffix(c.b) == sfx) {
			return c.b, nil
		}
	}
	return engine.ID{}, engine.ErrNotFound
}

// named answers from the cache: that nobody has a name, too.
func (s *Store) named(space byte, name string) (engine.ID, error) {
	a := nameSubject(space, name)
	return cached(s.cache, a, a, a, 0, func() (engine.ID, error) { return named(s, space, name) })
}

// reclaim moves an entity's claim, and notes the others whose shown name that changes.
func (t *Tx) reclaim(space byte, id engine.ID, before, after claim) error {
	if before == after {
		return nil
	}
	if before.name == after.name {
		return t.rewrite(space, id, before.name, before, after)
	}
	if err := t.rewrite(space, id, before.name, before, claim{}); err != nil {
		return err
	}
	return t.rewrite(space, id, after.name, claim{}, after)
}

// rewrite replaces one claim in the list of a name. A zero claim is none.
func (t *Tx) rewrite(space byte, id engine.ID, name string, before, after claim) error {
	if name == "" {
		return nil
	}
	k := nameKey(space, name)
	list, err := readClaims(t, k)
	if err != nil {
		return err
	}
	t.touchName(space, name, list)
	first := firstOwner(list)
	list = slices.DeleteFunc(list, func(p idPair) bool { return before != claim{} && p == idPair{before.version, id} })
	if (after != claim{}) {
		p := idPair{after.version, id}
		i, _ := slices.BinarySearchFunc(list, p, comparePair)
		list = slices.Insert(list, i, p)
		t.touch(nameSubject(space, name+suffix(id)))
	}
	if (after != claim{}) && len(list) > 1 { // an entity claims a name once
		t.effects.Contested = name
	}
	if now := firstOwner(list); now != first {
		t.renamed(space, id, first, list)
		t.renamed(space, id, now, list)
	}
	if len(list) == 0 {
		return t.del(k)
	}
	return t.set(k, appendPairs(nil, list))
}

func firstOwner(list []idPair) engine.ID {
	if len(list) == 0 {
		return engine.ID{}
	}
	return list[0].b
}

// renamed notes that another entity, if it still has a claim here, is shown differently.
func (t *Tx) renamed(space byte, subject, id engine.ID, list []idPair) {
	if id.IsZero() || id == subject || !slices.ContainsFunc(list, func(p idPair) bool { return p.b == id }) {
		return
	}
	t.effects.Renamed = append(t.effects.Renamed, id)
	if space == spaceUser {
		t.touch(engine.About(engine.AboutUser, id, engine.ID{}))
	} else {
		t.touch(engine.About(engine.AboutRoom, id, engine.ID{}))
		t.touch(publicSubject) // it may be one of them
	}
}
