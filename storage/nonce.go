package storage

import (
	"slices"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// nonceWindow is how long a nonce makes a repeat of what was posted with it (I7).
const nonceWindow = engine.Time(24 * time.Hour / time.Millisecond)

// shown returns those claims of one nonce, in order of id, whose messages are
// visible: a claim is hidden if an earlier visible one is less than a day older.
func shown(claims []idPair) []idPair {
	var out []idPair
	for _, c := range claims {
		if n := len(out); n == 0 || c.a.Time()-out[n-1].a.Time() >= nonceWindow {
			out = append(out, c)
		}
	}
	return out
}

// claimNonce adds a post to the claims of its nonce and hides and shows what
// that changes. It tells whether the post itself is hidden.
func (t *Tx) claimNonce(e *engine.Event, nonce string) (hidden bool, err error) {
	if nonce == "" {
		return false, nil
	}
	k := textKey(kindNonce, nonce, e.User)
	claims, err := readClaims(t, k)
	if err != nil {
		return false, err
	}
	mine := idPair{e.ID(), e.Room}
	i, ok := slices.BinarySearchFunc(claims, mine, comparePair)
	if ok {
		return false, nil
	}
	before := shown(claims)
	claims = slices.Insert(claims, i, mine)
	if err := t.set(k, appendPairs(make([]byte, 0, len(claims)*2*idSize), claims)); err != nil {
		return false, err
	}
	if len(claims) == 1 {
		return false, nil
	}
	after := shown(claims)
	hidden = !slices.Contains(after, mine)
	if hidden {
		// Its other indexes are not written yet: there is nothing to take back.
		ref := engine.MessageRef{Room: e.Room, Message: e.ID()}
		t.effects.Hidden = append(t.effects.Hidden, ref)
		err = t.writeHidden(ref, true)
	}
	if err != nil {
		return hidden, err
	}
	return hidden, t.rehide(mine, before, after)
}

// rehide hides and shows the other claims.
func (t *Tx) rehide(mine idPair, before, after []idPair) error {
	for _, c := range before {
		if slices.Contains(after, c) {
			continue
		}
		ref := engine.MessageRef{Room: c.b, Message: c.a}
		t.effects.Hidden = append(t.effects.Hidden, ref)
		if err := t.setHidden(ref, true); err != nil {
			return err
		}
	}
	for _, c := range after {
		if c == mine || slices.Contains(before, c) {
			continue
		}
		ref := engine.MessageRef{Room: c.b, Message: c.a}
		t.effects.Shown = append(t.effects.Shown, ref)
		if err := t.setHidden(ref, false); err != nil {
			return err
		}
	}
	return nil
}

func readClaims(g getter, key []byte) ([]idPair, error) {
	v, err := g.get(key)
	if err != nil {
		return nil, err
	}
	return parsePairs(v)
}

func readNonce(g getter, user engine.ID, nonce string) (visible, hidden []engine.MessageRef, err error) {
	claims, err := readClaims(g, textKey(kindNonce, nonce, user))
	if err != nil {
		return nil, nil, err
	}
	seen := shown(claims)
	for _, c := range claims {
		ref := engine.MessageRef{Room: c.b, Message: c.a}
		if slices.Contains(seen, c) {
			visible = append(visible, ref)
		} else {
			hidden = append(hidden, ref)
		}
	}
	return visible, hidden, nil
}

// Nonce implements engine.Reader.
func (s *Store) Nonce(user engine.ID, nonce string) (visible, hidden []engine.MessageRef, err error) {
	return readNonce(s, user, nonce)
}

// Nonce implements engine.Reader.
func (t *Tx) Nonce(user engine.ID, nonce string) (visible, hidden []engine.MessageRef, err error) {
	return readNonce(t, user, nonce)
}
