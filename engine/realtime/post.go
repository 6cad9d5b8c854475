package realtime

import (
	"github.com/klatch-chat/klatch/engine"
)

// post hands a message to the engine; the answer comes from another goroutine. It waits while
// postsAtOnce are on their way: then no frame is read, and TCP slows the client down.
func (c *connection) post(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	replyTo, err := optional("reply_to", f.ReplyTo)
	if err != nil {
		return nil, err
	}
	if len(f.Attachments) > 0 {
		return nil, invalid("attachments", "unknown", "this server takes no uploads")
	}
	if c.posts == nil {
		c.posts = make(chan struct{}, postsAtOnce)
	}
	c.posts <- struct{}{}
	ref := f.Ref
	n := engine.NewMessage{Room: room, Body: f.Body, Nonce: f.Nonce, ReplyTo: replyTo}
	c.handler.engine.PostAsync(c.who, n, func(m engine.Message, receipt engine.Receipt, err error) {
		<-c.posts
		if err != nil {
			c.fail(ref, err)
			return
		}
		c.link.tell(ref, &postAck{typeAck, ref, m.ID, m.At, receipt.String(), receipt.Durability})
	})
	return nil, nil
}
