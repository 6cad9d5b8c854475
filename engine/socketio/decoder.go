package socketio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// decoder makes packets of a connection's messages. The attachments of a binary
// packet come in messages of their own, right after its text.
type decoder struct {
	maxAttachments int
	maxBytes       int // of a text and its attachments
	maxDepth       int

	waiting *pending // nil: the next message is a packet's text
}

// pending is a binary packet whose attachments are on their way.
type pending struct {
	parsed
	got   [][]byte
	bytes int
}

// add takes one message. A packet whose last message it was is complete; its
// slices are the message's, or the decoder's own where it had to wait.
func (d *decoder) add(binary bool, data []byte) (p parsed, attachments [][]byte, complete bool, err error) {
	switch {
	case binary && d.waiting == nil:
		return p, nil, false, errors.New("binary data that belongs to no packet")
	case binary:
		return d.attach(data)
	case d.waiting != nil:
		return p, nil, false, errors.New("text among a packet's attachments")
	}
	if p, err = parse(data); err != nil {
		return p, nil, false, err
	}
	if p.attachments > d.maxAttachments {
		return p, nil, false, errors.New("too many attachments")
	}
	if err = p.check(d.maxDepth); err != nil {
		return p, nil, false, err
	}
	if p.attachments == 0 {
		return p, nil, true, nil
	}
	return p, nil, false, d.await(p, len(data))
}

// await keeps a copy of a binary packet's text.
func (d *decoder) await(p parsed, size int) error {
	if err := checkPlaceholders(p.data, p.attachments); err != nil {
		return err
	}
	p.data, p.namespace = slices.Clone(p.data), slices.Clone(p.namespace)
	d.waiting = &pending{parsed: p, bytes: size}
	return nil
}

func (d *decoder) attach(data []byte) (p parsed, attachments [][]byte, complete bool, err error) {
	w := d.waiting
	if w.bytes += len(data); w.bytes > d.maxBytes {
		return p, nil, false, errors.New("the packet is too large with its attachments")
	}
	w.got = append(w.got, bytes.Clone(nonNil(data)))
	if len(w.got) < w.attachments {
		return p, nil, false, nil
	}
	d.waiting = nil
	return w.parsed, w.got, true, nil
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// checkPlaceholders refuses placeholders that stand for no attachment.
func checkPlaceholders(data []byte, attachments int) error {
	for value := range objects(data) {
		num, is := placeholder(value)
		if is && (num < 0 || num >= attachments) {
			return fmt.Errorf("illegal attachments: there is no number %d", num)
		}
	}
	return nil
}

// objects yields every object of a value that holds no other: a placeholder has
// no room for one.
func objects(data []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		begin := -1
		walk(data, func(i, _ int) bool {
			switch data[i] {
			case '{':
				begin = i
			case '[':
				begin = -1
			case '}':
				from := begin
				begin = -1
				return from < 0 || yield(data[from:i+1])
			}
			return true
		})
	}
}

// placeholder reads {"_placeholder":true,"num":i}, with whatever else; a num
// that is no index is -1.
func placeholder(object []byte) (num int, is bool) {
	d := jsontext.NewDecoder(bytes.NewReader(object), jsonAsInJavaScript...)
	num = -1
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return num, false
	}
	for d.PeekKind() == '"' {
		t, err := d.ReadToken()
		if err != nil {
			return -1, false
		}
		name := t.String()
		value, err := d.ReadValue()
		if err != nil {
			return -1, false
		}
		switch name {
		case "_placeholder":
			is = string(value) == "true"
		case "num":
			num = index(value)
		}
	}
	return num, is
}

// index reads a small whole number.
func index(value []byte) int {
	if len(value) == 0 || len(value) > 6 {
		return -1
	}
	n := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
