package storage

import (
	"errors"

	"github.com/klatch-chat/klatch/engine"
)

// banRecord is the register of what was said last of a user or a network. What
// has been lifted stays in it, for events that come late.
type banRecord struct {
	Version engine.ID   `cbor:"1,keyasint"`
	Reason  string      `cbor:"2,keyasint,omitempty"`
	Until   engine.Time `cbor:"3,keyasint,omitzero"`
	By      engine.ID   `cbor:"4,keyasint,omitzero"`
	Lifted  bool        `cbor:"5,keyasint,omitempty"`
}

func (t *Tx) ban(k []byte, r banRecord) error {
	v, err := t.get(k)
	if err != nil {
		return err
	}
	if v != nil {
		var old banRecord
		if err := decodeRecord(v, &old); err != nil || r.Version.Compare(old.Version) <= 0 {
			return err
		}
	}
	b, err := encMode.Marshal(r)
	if err != nil {
		return err
	}
	return t.set(k, b)
}

// banOf reads a ban; ErrNotFound if it was lifted.
func banOf(k key, v []byte) (engine.Ban, error) {
	var r banRecord
	if err := decodeRecord(v, &r); err != nil {
		return engine.Ban{}, err
	}
	if r.Lifted {
		return engine.Ban{}, engine.ErrNotFound
	}
	return engine.Ban{User: k.ids[0], Network: k.text, Reason: r.Reason, CreatedAt: r.Version.Time(), Until: r.Until, By: r.By}, nil
}

// Bans implements engine.Registry.
func (s *Store) Bans() (list []engine.Ban, err error) {
	for _, kind := range []byte{kindUserBan, kindNetBan} {
		err := s.scan([]byte{kind}, func(k key, v []byte) error {
			b, err := banOf(k, v)
			if errors.Is(err, engine.ErrNotFound) {
				return nil
			}
			list = append(list, b)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// BanOf implements engine.Registry.
func (s *Store) BanOf(subject engine.Ban) (engine.Ban, error) {
	k := key{kind: kindUserBan, ids: [3]engine.ID{subject.User}, numbers: 1}
	if subject.Network != "" {
		k = key{kind: kindNetBan, text: subject.Network}
	}
	v, err := absent(s.get(k.build()))
	if err != nil {
		return engine.Ban{}, err
	}
	return banOf(k, v)
}
