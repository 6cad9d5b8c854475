package storage

import (
	"encoding/base64"
	"errors"

	"github.com/klatch-chat/klatch/engine"
)

// roomRecord is a room, in registers like a user's.
type roomRecord struct {
	Created engine.ID        `cbor:"1,keyasint,omitzero"` // the first creation; zero: none yet
	By      engine.ID        `cbor:"2,keyasint,omitzero"` // who made that
	Name    register[string] `cbor:"3,keyasint,omitzero"`
	Topic   register[string] `cbor:"4,keyasint,omitzero"`
	Private register[bool]   `cbor:"5,keyasint,omitzero"`
	Direct  register[bool]   `cbor:"6,keyasint,omitzero"`
	Deleted engine.ID        `cbor:"7,keyasint,omitzero"` // the first deletion; a room is never undeleted

	Archived *register[bool] `cbor:"8,keyasint,omitempty"` // nil: nothing was said
}

func (r *roomRecord) exists() bool { return !r.Created.IsZero() && r.Deleted.IsZero() }

func (r *roomRecord) claim() claim {
	if !r.exists() || r.Name.Value == "" {
		return claim{}
	}
	return claim{r.Name.Value, r.Name.Version}
}

func (r *roomRecord) public() bool {
	return r.exists() && !r.Private.Value && !r.Direct.Value && !r.Archived.said()
}

func readRoomRecord(g getter, id engine.ID) (*roomRecord, error) {
	r := new(roomRecord)
	v, err := g.get(idKey(kindRoom, id))
	if err != nil || v == nil {
		return r, err
	}
	return r, decodeRecord(v, r)
}

func readRoom(g getter, id engine.ID) (engine.Room, error) {
	r, err := readRoomRecord(g, id)
	if err == nil && !r.exists() {
		err = engine.ErrNotFound
	}
	if err != nil {
		return engine.Room{}, err
	}
	out := engine.Room{ID: id, Topic: r.Topic.Value, Private: r.Private.Value, Direct: r.Direct.Value, Archived: r.Archived.said()}
	if out.Name, err = shownName(g, spaceRoom, r.Name.Value, id); err != nil {
		return out, err
	}
	v, err := g.get(idKey(kindMembers, id))
	if err != nil {
		return out, err
	}
	out.Members, err = parseCount(v)
	return out, err
}

// Room implements engine.Reader.
func (s *Store) Room(id engine.ID) (engine.Room, error) {
	a := engine.About(engine.AboutRoom, id, engine.ID{})
	return cached(s.cache, a, a, a, 256, func() (engine.Room, error) { return readRoom(s, id) })
}

// Room implements engine.Reader.
func (t *Tx) Room(id engine.ID) (engine.Room, error) {
	if t.clean(engine.About(engine.AboutRoom, id, engine.ID{})) {
		return t.s.Room(id)
	}
	return readRoom(t, id)
}

// RoomNamed implements engine.Reader.
func (s *Store) RoomNamed(name string) (engine.ID, error) { return s.named(spaceRoom, name) }

// RoomNamed implements engine.Reader.
func (t *Tx) RoomNamed(name string) (engine.ID, error) { return named(t, spaceRoom, name) }

func readRoomExists(g getter, id engine.ID) (bool, error) {
	r, err := readRoomRecord(g, id)
	return !r.Created.IsZero() || !r.Deleted.IsZero(), err
}

// RoomExists implements engine.Reader.
func (s *Store) RoomExists(id engine.ID) (bool, error) { return readRoomExists(s, id) }

// RoomExists implements engine.Reader.
func (t *Tx) RoomExists(id engine.ID) (bool, error) { return readRoomExists(t, id) }

func (t *Tx) createRoom(e *engine.Event, p *engine.RoomCreated) error {
	err := t.changeRoom(e.Room, func(r *roomRecord) {
		id := e.ID()
		if minID(r.Created, id) == id {
			r.Created, r.By = id, e.User
		}
		r.Name.set(id, p.Name)
		r.Topic.set(id, p.Topic)
		r.Private.set(id, p.Private)
		r.Direct.set(id, p.Direct)
	})
	if err != nil {
		return err
	}
	for _, m := range p.Members {
		if err := t.setMember(e.Room, m.User, e.ID(), m.Role); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) updateRoom(e *engine.Event, p *engine.RoomUpdated) error {
	return t.changeRoom(e.Room, func(r *roomRecord) {
		r.Name.setPtr(e.ID(), p.Name)
		r.Topic.setPtr(e.ID(), p.Topic)
		r.Private.setPtr(e.ID(), p.Private)
	})
}

func (t *Tx) deleteRoom(e *engine.Event) error {
	return t.changeRoom(e.Room, func(r *roomRecord) { r.Deleted = minID(r.Deleted, e.ID()) })
}

// changeRoom applies an event to a room's record and brings the indexes in line.
func (t *Tx) changeRoom(id engine.ID, apply func(r *roomRecord)) error {
	r, err := readRoomRecord(t, id)
	if err != nil {
		return err
	}
	before, name, wasPublic, existed := r.claim(), r.Name.Value, r.public(), r.exists()
	apply(r)
	b, err := encMode.Marshal(r)
	if err != nil {
		return err
	}
	if err := t.set(idKey(kindRoom, id), b); err != nil {
		return err
	}
	t.touch(engine.About(engine.AboutRoom, id, engine.ID{}))
	if wasPublic || r.public() {
		t.touch(publicSubject)
	}
	if r.exists() != existed {
		if err := t.touchMembers(id); err != nil {
			return err
		}
	}
	if wasPublic && (!r.public() || r.Name.Value != name) {
		t.note(t.del(publicKey(name, id)))
	}
	if r.public() && (!wasPublic || r.Name.Value != name) {
		t.note(t.set(publicKey(r.Name.Value, id), []byte{}))
	}
	return t.reclaim(spaceRoom, id, before, r.claim())
}

// PublicRooms implements engine.Pages. The cursor is the place in the index.
func (s *Store) PublicRooms(after string, limit int) (rooms []engine.Room, next string, err error) {
	start := []byte{kindPublic, noSuffix}
	if after != "" {
		if start, err = publicCursor(after); err != nil {
			return nil, "", err
		}
	}
	limit = max(limit, 1)
	var ids []engine.ID
	var last []byte
	err = s.listAfter([]byte{kindPublic}, start, func(k key, _ []byte) (bool, error) {
		if len(ids) == limit {
			next = base64.RawURLEncoding.EncodeToString(last)
			return false, nil
		}
		ids, last = append(ids, k.ids[0]), k.build()
		return true, nil
	})
	if err != nil {
		return nil, "", err
	}
	for _, id := range ids {
		r, err := s.Room(id)
		if errors.Is(err, engine.ErrNotFound) || err == nil && (r.Private || r.Direct || r.Archived) {
			continue // deleted or closed since the scan
		}
		if err != nil {
			return nil, "", err
		}
		rooms = append(rooms, r)
	}
	return rooms, next, nil
}

func publicCursor(after string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(after)
	if err == nil {
		var k key
		if k, err = parseKey(b); err == nil && k.kind != kindPublic {
			err = errKey
		}
	}
	if err != nil {
		return nil, &engine.Error{
			Code: engine.CodeInvalidField, Message: "this is not a cursor of the list of rooms",
			Fields: []engine.FieldError{{Field: "after", Code: "malformed"}},
		}
	}
	return b, nil
}
