package realtime

import (
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

func (c *connection) history(f *frame) (any, error) {
	room, err := c.room(f)
	if err != nil {
		return nil, err
	}
	r, err := f.pageRange()
	if err != nil {
		return nil, err
	}
	page, err := c.handler.engine.History(c.who, room, r)
	if err != nil {
		return nil, err
	}
	if page.Items == nil {
		page.Items = []engine.Message{} // an array in every format, never null
	}
	return &historyAck{typeAck, f.Ref, page.Items, page.Prev, page.Next}, nil
}

// pageRange reads which page of a room is asked for.
func (f *frame) pageRange() (r engine.Range, err error) {
	set := 0
	for _, at := range []struct {
		field, text string
		id          *engine.ID
	}{{"before", f.Before, &r.Before}, {"after", f.After, &r.After}, {"around", f.Around, &r.Around}} {
		if *at.id, err = optional(at.field, at.text); err != nil {
			return r, err
		}
		if at.text != "" {
			set++
		}
	}
	if set > 1 {
		return r, invalid("before", "malformed", "give one of before, after and around")
	}
	if r.Limit = historyLimit; f.Limit != nil {
		r.Limit = *f.Limit
	}
	if r.Limit < 1 || r.Limit > engine.MaxPage {
		return r, invalid("limit", "malformed", fmt.Sprintf("limit must be 1 to %d", engine.MaxPage))
	}
	return r, nil
}
