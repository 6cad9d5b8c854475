package realtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// command does what a frame asks for. Its answer is sent, unless it is nil.
type command func(c *connection, f *frame) (answer any, err error)

// commands by the type of their frame.
var commands = map[string]command{
	typeHello:    (*connection).helloAgain,
	typePost:     (*connection).post,
	typeEdit:     (*connection).edit,
	typeDelete:   (*connection).delete,
	typeReact:    (*connection).react,
	typeJoin:     (*connection).join,
	typeLeave:    (*connection).leave,
	typeHistory:  (*connection).history,
	typeRead:     (*connection).read,
	typeTyping:   (*connection).typing,
	typePresence: (*connection).presence,
	typeSignal:   (*connection).signal,
	typePing:     (*connection).ping,
}

func (c *connection) run(f *frame) (any, error) {
	if f.Type == "" {
		return nil, invalid("type", "required", "a frame needs a type")
	}
	do, ok := commands[f.Type]
	if !ok {
		return nil, invalid("type", "unknown", "there is no such type of frame")
	}
	return do(c, f)
}

func (c *connection) helloAgain(f *frame) (any, error) {
	c.violate(f.Ref, "hello may come only once")
	return nil, nil
}

func (c *connection) ping(f *frame) (any, error) { return &pongFrame{typePong, f.Ref}, nil }

// write runs a write of the engine and acks it. The time is the committer's and
// the write concern's: they do not hang, so past it something is wrong.
func (c *connection) write(f *frame, do func(context.Context) (engine.Receipt, error)) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.handler.config.WriteTimeout)
	defer cancel()
	receipt, err := do(ctx)
	if err != nil {
		return nil, err
	}
	return &ackFrame{typeAck, f.Ref, receipt.String(), receipt.Durability}, nil
}

// room finds the room that a frame names by id or name.
func (c *connection) room(f *frame) (engine.ID, error) {
	if f.Room == "" {
		return engine.ID{}, invalid("room", "required", "room is missing")
	}
	return c.handler.engine.FindRoom(f.Room)
}

// target finds the message that a frame is about, and its room. Whether the
// user may know of it is decided by what follows.
func (c *connection) target(f *frame) (room, id engine.ID, err error) {
	if id, err = required("id", f.ID); err == nil {
		room, err = c.handler.engine.Store().RoomOf(id)
	}
	if errors.Is(err, engine.ErrNotFound) {
		err = engine.ErrNotFound
	}
	return room, id, err
}

func required(field, text string) (engine.ID, error) {
	if text == "" {
		return engine.ID{}, invalid(field, "required", field+" is missing")
	}
	return optional(field, text)
}

func optional(field, text string) (engine.ID, error) {
	if text == "" {
		return engine.ID{}, nil
	}
	id, err := engine.ParseID(text)
	if err != nil {
		return id, invalid(field, "malformed", fmt.Sprintf("%s is no id: 26 characters of a ULID", field))
	}
	return id, nil
}
