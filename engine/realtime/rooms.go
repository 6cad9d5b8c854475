package realtime

import (
	"context"

	"github.com/klatch-chat/klatch/engine"
)

func (c *connection) join(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.handler.config.WriteTimeout)
	defer cancel()
	view, pos, err := c.handler.engine.Join(ctx, c.who, room)
	if err != nil {
		return nil, err
	}
	return &joinAck{typeAck, f.Ref, view, pos.String()}, nil
}

func (c *connection) leave(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	return c.write(f, func(ctx context.Context) (engine.Position, error) {
		return c.handler.engine.Leave(ctx, c.who, room)
	})
}
