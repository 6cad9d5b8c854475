package storage

import "github.com/klatch-chat/klatch/engine"

// Conflicts implements engine.Pages. It reads the claims of all names.
func (s *Store) Conflicts(limit int) (out []engine.Conflict, err error) {
	limit = max(limit, 1)
	prefix := []byte{kindName}
	start, _ := bounds(prefix)
	err = s.listAfter(prefix, start, func(k key, v []byte) (bool, error) {
		list, err := parsePairs(v)
		if err == nil && len(list) > 1 {
			out = append(out, conflict(k, list))
		}
		return len(out) < limit, err
	})
	return out, err
}

// conflict tells of a name with more than one claim. Owners come in the order
// of their claims, which decides who has the plain name.
func conflict(k key, list []idPair) engine.Conflict {
	c := engine.Conflict{Space: "user", Name: k.text, First: list[0].b}
	if k.space == spaceRoom {
		c.Space = "room"
	}
	for _, p := range list[1:] {
		c.Later = append(c.Later, p.b)
	}
	return c
}
