package storage

import (
	"github.com/klatch-chat/klatch/engine"
)

// invitationRecord is what was said of an invite. Whether it was used, or revoked,
// stands elsewhere (kinds I and T).
type invitationRecord struct {
	Version engine.ID   `cbor:"1,keyasint"`
	Expires engine.Time `cbor:"2,keyasint"`
	Admin   bool        `cbor:"3,keyasint,omitempty"`
	Note    string      `cbor:"4,keyasint,omitempty"`
	By      engine.ID   `cbor:"5,keyasint,omitzero"`
}

func (t *Tx) invited(e *engine.Event, p *engine.Invited) error {
	k := idKey(kindInvitation, p.Invite)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	if v != nil {
		var old invitationRecord
		if err := decodeRecord(v, &old); err != nil || e.ID().Compare(old.Version) <= 0 {
			return err
		}
	}
	b, err := encMode.Marshal(invitationRecord{e.ID(), p.Expires, p.Admin, p.Note, p.By})
	if err != nil {
		return err
	}
	return t.set(k, b)
}

// Invitation implements engine.Registry.
func (s *Store) Invitation(id engine.ID) (engine.Invitation, error) {
	v, err := absent(s.get(idKey(kindInvitation, id)))
	if err != nil {
		return engine.Invitation{}, err
	}
	return s.invitation(id, v)
}

func (s *Store) invitation(id engine.ID, v []byte) (engine.Invitation, error) {
	var r invitationRecord
	if err := decodeRecord(v, &r); err != nil {
		return engine.Invitation{}, err
	}
	i := engine.Invitation{ID: id, Admin: r.Admin, Note: r.Note, CreatedAt: id.Time(), ExpiresAt: r.Expires, By: r.By}
	var err error
	if i.Used, err = s.InviteUsed(id); err != nil {
		return i, err
	}
	i.Revoked, err = s.TokenRevoked(id)
	return i, err
}

// Invitations implements engine.Registry: ids sort by time.
func (s *Store) Invitations(limit int) (list []engine.Invitation, err error) {
	it, err := s.iter([]byte{kindInvitation})
	if err != nil {
		return nil, err
	}
	for ok := it.Last(); ok && len(list) < limit && err == nil; ok = it.Prev() {
		var k key
		var i engine.Invitation
		if k, err = parseKey(it.Key()); err == nil {
			i, err = s.invitation(k.ids[0], it.Value())
		}
		list = append(list, i)
	}
	if err = done(it, err); err != nil {
		return nil, err
	}
	return list, nil
}
