package realtime

import (
	"github.com/klatch-chat/klatch/engine"
)

// live returns the session, waiting for its end of catching up: what is told to
// others and not stored needs one.
func (c *connection) live() (*engine.Session, error) {
	if o := c.opening.Load(); o != nil {
		<-o.done
	}
	if s := c.session.Load(); s != nil {
		return s, nil
	}
	return nil, engine.ErrUnavailable
}

// done answers a frame that changes nothing stored: only where an answer is asked for.
func done(f *frame, err error) (any, error) {
	if err != nil || f.Ref == nil {
		return nil, err
	}
	return &ackFrame{Type: typeAck, Ref: f.Ref}, nil
}

func (c *connection) typing(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	s, err := c.live()
	if err != nil {
		return nil, err
	}
	return done(f, s.Typing(room))
}

func (c *connection) presence(f *frame) (any, error) {
	s, err := c.live()
	if err != nil {
		return nil, err
	}
	return done(f, s.SetStatus(f.Status))
}

func (c *connection) signal(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	data, err := c.link.value(f.Data)
	if err != nil {
		return nil, err
	}
	s, err := c.live()
	if err != nil {
		return nil, err
	}
	return done(f, s.Signal(room, f.Name, data))
}
