package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// staleKind says of what parts, each read at once, an answer is made.
type staleKind int

const (
	kindWhole  staleKind = iota // one record
	kindPage                    // messages, read at once, and which reactions are the reader's
	kindThread                  // an index of messages, and the messages
	kindRoom                    // a room, a role, the newest message, what is unread
	kindJoined                  // a list of rooms
)

// staleParts are an answer's. What it lacks is a part too: the reader's reaction, where there are others'.
type staleParts struct{ has, lacks []string }

// patched reports whether each part of an answer is in one of the states. wide:
// they are more than two, so that even a part may be of more than one.
func (k staleKind) patched(got *staleAnswer, states []*staleAnswer, wide bool) bool {
	want, err := k.parts(got.body)
	if err != nil {
		return false
	}
	found, lacking := map[string]bool{}, map[string]bool{}
	for _, state := range states {
		if state.status != 200 {
			continue
		}
		if same := bytes.Equal(state.body, got.body); same != (state.etag == got.etag) && got.etag != "" {
			return false // a tag is of one body
		}
		have, err := k.parts(state.body)
		if err != nil {
			return false
		}
		for _, p := range have.has {
			found[p] = true
		}
		for _, p := range want.lacks {
			lacking[p] = lacking[p] || !slices.Contains(have.has, p)
		}
	}
	for _, p := range want.has {
		if !found[p] && !(wide && counted(p)) {
			return false
		}
	}
	for _, p := range want.lacks {
		if !lacking[p] {
			return false
		}
	}
	return true
}

// counted tells of what is counted from a marker on: of both at different times it is none of the states'.
func counted(part string) bool {
	return strings.HasPrefix(part, "unread ") || strings.HasPrefix(part, "mentions ")
}

func (k staleKind) parts(body []byte) (p staleParts, err error) {
	switch k {
	case kindPage:
		err = p.addPage(body, false)
	case kindThread:
		err = p.addPage(body, true)
	case kindRoom:
		err = p.addRoom(body)
	case kindJoined:
		err = p.addRooms(body)
	default:
		p.has = []string{string(body)}
	}
	return p, err
}

func (p *staleParts) addRooms(body []byte) error {
	var list struct {
		Items []json.RawMessage
		Next  *string
	}
	err := json.Unmarshal(body, &list)
	p.has = append(p.has, fmt.Sprint("next ", list.Next == nil))
	for _, item := range list.Items {
		if err == nil {
			err = p.addRoom(item)
		}
	}
	return err
}

func (p *staleParts) addRoom(body []byte) error {
	room := map[string]json.RawMessage{}
	err := json.Unmarshal(body, &room)
	for _, alone := range []string{"role", "last", "unread", "mentions", "last_read"} {
		p.has = append(p.has, fmt.Sprintf("%s %s", alone, room[alone]))
		delete(room, alone)
	}
	p.has = append(p.has, fmt.Sprintf("record %s", room))
	return err
}

// stalePage is a page of messages, or one message.
type stalePage struct {
	Items      []map[string]json.RawMessage
	Prev, Next *string
}

type staleReaction struct {
	Emoji string
	Count int
	Me    bool
}

func (p *staleParts) addPage(body []byte, apart bool) error {
	var page stalePage
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	if page.Items == nil {
		one := map[string]json.RawMessage{}
		if err := json.Unmarshal(body, &one); err != nil {
			return err
		}
		page.Items = append(page.Items, one)
	}
	shape, content := fmt.Sprint(deref(page.Prev), " ", deref(page.Next)), ""
	for _, m := range page.Items {
		shape += string(m["id"])
		text, err := p.addReactions(m)
		if err != nil {
			return err
		}
		if apart {
			p.has = append(p.has, text)
		}
		content += text
	}
	if apart {
		content = shape
	}
	p.has = append(p.has, shape+content)
	return nil
}

// addReactions adds which of a message's reactions are the reader's, and returns the message without that.
func (p *staleParts) addReactions(m map[string]json.RawMessage) (rest string, err error) {
	var reactions []staleReaction
	if raw, ok := m["reactions"]; ok {
		if err := json.Unmarshal(raw, &reactions); err != nil {
			return "", err
		}
	}
	for i := range reactions {
		part := fmt.Sprintf("mine %s %s", m["id"], reactions[i].Emoji)
		if reactions[i].Me {
			p.has = append(p.has, part)
		} else {
			p.lacks = append(p.lacks, part)
		}
		reactions[i].Me = false
	}
	delete(m, "reactions")
	return fmt.Sprint(reactions, " ", fmt.Sprintf("%s", m)), nil
}

func deref(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}
