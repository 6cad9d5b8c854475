package storage

import (
	"encoding/binary"

	"github.com/klatch-chat/klatch/engine"
)

// Account implements engine.Registry.
func (s *Store) Account(id engine.ID) (engine.Account, error) {
	u, err := s.User(id)
	if err != nil {
		return engine.Account{}, err
	}
	r, err := readUserRecord(s, id)
	if err != nil {
		return engine.Account{}, err
	}
	a := engine.Account{
		User: u, Disabled: r.Disabled.said(), Deleted: r.deleted(),
		Password: r.Password.Value != "" && !r.deleted(), CreatedAt: r.Created.Time(),
	}
	v, err := s.get(idKey(kindLatest, id))
	if err == nil && v != nil && len(v) != 8 {
		err = errRecord
	}
	if err == nil && v != nil {
		a.LastSignIn = engine.Time(binary.BigEndian.Uint64(v))
	}
	return a, err
}

// Users implements engine.Registry.
func (s *Store) Users(after engine.ID, limit int) ([]engine.ID, error) {
	return s.existing(kindUser, after, limit, func(v []byte) (bool, error) {
		r := new(userRecord)
		err := decodeRecord(v, r)
		return r.exists(), err
	})
}

// Rooms implements engine.Registry.
func (s *Store) Rooms(after engine.ID, limit int) ([]engine.ID, error) {
	return s.existing(kindRoom, after, limit, func(v []byte) (bool, error) {
		r := new(roomRecord)
		err := decodeRecord(v, r)
		return r.exists(), err
	})
}

// existing lists the records of a kind that are of something there: what has gone,
// or has not come, is passed over.
func (s *Store) existing(kind byte, after engine.ID, limit int, exists func(record []byte) (bool, error)) (ids []engine.ID, err error) {
	err = s.listAfter([]byte{kind}, idKey(kind, after), func(k key, v []byte) (bool, error) {
		ok, err := exists(v)
		if ok {
			ids = append(ids, k.ids[0])
		}
		return len(ids) < limit, err
	})
	return ids, err
}

// RoomMade implements engine.Registry.
func (s *Store) RoomMade(id engine.ID) (engine.Time, error) {
	r, err := readRoomRecord(s, id)
	if err == nil && !r.exists() {
		err = engine.ErrNotFound
	}
	return r.Created.Time(), err
}
