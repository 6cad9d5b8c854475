package engine

import "context"

// AdminMessage returns any message to the operator, and to an administrator those of
// rooms that the administrator may read.
func (e *Engine) AdminMessage(who *Identity, id ID) (Message, error) {
	if err := e.administers(who); err != nil {
		return Message{}, err
	}
	if !who.Operator {
		return e.FindMessage(who, id)
	}
	return e.anyMessage(id)
}

func (e *Engine) anyMessage(id ID) (Message, error) {
	room, err := e.store.RoomOf(id)
	if err != nil {
		return Message{}, err
	}
	if _, err := e.store.Room(room); err != nil {
		return Message{}, err
	}
	return e.store.Message(room, id, ID{})
}

// AdminDeleteMessage hides any message's content from everybody, for ever.
func (e *Engine) AdminDeleteMessage(ctx context.Context, who *Identity, id ID) (Receipt, error) {
	if err := e.administers(who); err != nil {
		return Receipt{}, err
	}
	m, err := e.anyMessage(id)
	if err == nil && m.Deleted {
		err = ErrNotFound
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		return b.append(&Event{Kind: KindDeleted, Room: m.Room, User: who.User, Payload: &Deleted{Message: id}})
	})
}
