package client

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// call is a request without an answer.
type call struct {
	request request
	repeat  bool  // harmless to send again: a post with its nonce
	link    *link // that it was sent on; nil: not sent yet; guarded by Client.mu
	done    func(*reply, error)
}

// start registers a call and sends it, or leaves it for the next connection.
// done is called once, if start returns no error; it must not block.
func (c *Client) start(r request, repeat bool, done func(*reply, error)) (ref int64, err error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	k, l, err := c.register(r, repeat, done)
	if err != nil {
		return 0, err
	}
	if l == nil {
		return k.request.Ref, nil
	}
	payload, err := c.codec.marshal(&k.request)
	if err != nil {
		c.forget(k.request.Ref)
		return 0, err
	}
	l.write(payload) // where it fails the link ends, and the call's fate is decided there
	return k.request.Ref, nil
}

// register keeps a call, and returns the link to send it on; nil: the next one.
// The call's own link may be taken from it as soon as c.mu is free.
func (c *Client) register(r request, repeat bool, done func(*reply, error)) (*call, *link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return nil, nil, c.err
	case len(c.calls) >= c.cfg.MaxPending:
		return nil, nil, ErrTooMany
	}
	c.lastRef++
	r.Ref = c.lastRef
	k := &call{request: r, repeat: repeat, link: c.live, done: done}
	c.calls[r.Ref] = k
	return k, c.live, nil
}

// forget takes a call out; nil if it has been answered.
func (c *Client) forget(ref int64) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.calls[ref]
	delete(c.calls, ref)
	return k
}

// call is start for those who wait.
func (c *Client) call(ctx context.Context, r request, repeat bool) (*reply, error) {
	type answer struct {
		reply *reply
		err   error
	}
	answered := make(chan answer, 1)
	ref, err := c.start(r, repeat, func(r *reply, err error) { answered <- answer{r, err} })
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answered:
		return a.reply, a.err
	case <-ctx.Done():
		c.forget(ref)
		return nil, ctx.Err()
	}
}

// answer gives a reply to its call. It reports whether there was one.
func (c *Client) answer(r *reply) bool {
	if r.Ref == 0 {
		return false
	}
	k := c.forget(r.Ref)
	if k == nil {
		return r.Type != TypeError // its caller has given up
	}
	if err := r.err(); err != nil {
		k.done(nil, err)
	} else {
		k.done(r, nil)
	}
	return true
}

// goLive lets calls be sent on a link, first those that wait, in their order.
// It must not hold up the reader: the server may have to be read before it reads.
func (c *Client) goLive(l *link) {
	c.mu.Lock()
	waiting := c.waitingLocked()
	if len(waiting) == 0 {
		c.live = l
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.workers.Go(func() { c.resend(l) })
}

func (c *Client) waitingLocked() []*call {
	waiting := slices.Collect(maps.Values(c.calls))
	waiting = slices.DeleteFunc(waiting, func(k *call) bool { return k.link != nil })
	slices.SortFunc(waiting, func(a, b *call) int { return cmp.Compare(a.request.Ref, b.request.Ref) })
	return waiting
}

// resend sends what waits. Holding c.sending keeps newer calls behind it.
func (c *Client) resend(l *link) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	if l.over {
		c.mu.Unlock()
		return
	}
	waiting := c.waitingLocked()
	for _, k := range waiting {
		k.link = l
	}
	c.live = l
	c.mu.Unlock()
	for _, k := range waiting {
		payload, err := c.codec.marshal(&k.request)
		if err != nil {
			if c.forget(k.request.Ref) != nil {
				k.done(nil, err)
			}
			continue
		}
		l.write(payload)
	}
}

// detach decides about the calls of a link that has ended: posts wait for the
// next one, the others fail. So do posts after a close for a frame that was too
// large: one of them was, and would be again.
func (c *Client) detach(l *link, end *CloseError) {
	c.mu.Lock()
	if c.live == l {
		c.live = nil
	}
	l.over = true
	var failed []*call
	for ref, k := range c.calls {
		switch {
		case k.link != l:
		case k.repeat && end.Code != closeTooLarge:
			k.link = nil
		default:
			delete(c.calls, ref)
			failed = append(failed, k)
		}
	}
	c.mu.Unlock()
	for _, k := range failed {
		k.done(nil, disconnected(end))
	}
}

func disconnected(end *CloseError) error {
	if end.Code == closeTooLarge {
		return &Error{Code: "too_large", Message: "the server takes no frame of this size"}
	}
	return ErrDisconnected
}

// finish ends the client: every call fails.
func (c *Client) finish(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	err = c.err
	calls := c.calls
	c.calls = map[int64]*call{}
	c.mu.Unlock()
	for _, k := range calls {
		k.done(nil, err)
	}
}
