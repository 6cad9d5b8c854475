package client

// receive deals with one frame.
func (l *link) receive(data []byte) error {
	c := l.client
	t, err := c.codec.frameType(data)
	if err != nil {
		return err
	}
	ev := Event{Type: t, Data: data, Format: c.cfg.Format}
	switch t {
	case "ack", "pong", TypeError:
		return l.answer(ev)
	case TypeReady:
		return l.ready(ev)
	case TypeReset:
		c.cfg.OnEvent(ev)
		c.setCursor(l.pendingCursor)
		return nil
	case TypeCheckpoint:
		return l.checkpoint(ev)
	}
	c.cfg.OnEvent(ev)
	return nil
}

func (l *link) answer(ev Event) error {
	var r reply
	if err := ev.Decode(&r); err != nil {
		return err
	}
	if l.client.answer(&r) || ev.Type != TypeError {
		return nil
	}
	l.refusal = r.err().(*Error)
	l.client.cfg.OnEvent(ev)
	return nil
}

// ready opens the session. A cursor that was not honoured is kept until the
// server says reset: if the connection ends before that it has to say it again.
func (l *link) ready(ev Event) error {
	c := l.client
	var r Ready
	if err := ev.Decode(&r); err != nil {
		return err
	}
	c.cfg.OnEvent(ev)
	if l.sent != "" && !r.Resumed {
		l.pendingCursor = r.Cursor
	} else {
		c.setCursor(r.Cursor)
	}
	l.watch.relax(watchLimits{
		ping: r.Heartbeat.interval() + r.Heartbeat.timeout()/2,
		dead: r.Heartbeat.interval() + r.Heartbeat.timeout(),
	})
	c.goLive(l)
	if !c.wasOpened() {
		close(c.opened)
	}
	return nil
}

// checkpoint moves the cursor, once all before it has been delivered.
func (l *link) checkpoint(ev Event) error {
	var p Checkpoint
	if err := ev.Decode(&p); err != nil {
		return err
	}
	l.client.cfg.OnEvent(ev)
	l.client.setCursor(p.Cursor)
	return nil
}
