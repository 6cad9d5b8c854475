package realtime

import (
	"context"

	"github.com/klatch-chat/klatch/engine"
)

func (c *connection) edit(f *frame) (any, error) {
	room, id, err := c.target(f)
	if err != nil {
		return nil, err
	}
	return c.write(f, func(ctx context.Context) (engine.Receipt, error) {
		_, receipt, err := c.handler.engine.Edit(ctx, c.who, room, id, f.Body)
		return receipt, err
	})
}

func (c *connection) delete(f *frame) (any, error) {
	room, id, err := c.target(f)
	if err != nil {
		return nil, err
	}
	return c.write(f, func(ctx context.Context) (engine.Receipt, error) {
		return c.handler.engine.Delete(ctx, c.who, room, id)
	})
}

func (c *connection) react(f *frame) (any, error) {
	room, id, err := c.target(f)
	if err != nil {
		return nil, err
	}
	return c.write(f, func(ctx context.Context) (engine.Receipt, error) {
		return c.handler.engine.React(ctx, c.who, room, id, f.Emoji, f.Remove)
	})
}

func (c *connection) read(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	id, err := required("id", f.ID)
	if err != nil {
		return nil, err
	}
	return c.write(f, func(ctx context.Context) (engine.Receipt, error) {
		return c.handler.engine.MarkRead(ctx, c.who, room, id)
	})
}
