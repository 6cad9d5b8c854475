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
	view, receipt, err := c.handler.engine.Join(ctx, c.who, room)
	if err != nil {
		return nil, err
	}
	return &joinAck{typeAck, f.Ref, view, receipt.String(), receipt.Durability}, nil
}

func (c *connection) leave(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	return c.write(f, func(ctx context.Context) (engine.Receipt, error) {
		return c.handler.engine.Leave(ctx, c.who, room)
	})
}
