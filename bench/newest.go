package bench

import (
	"bytes"
	"fmt"
	"sync/atomic"
)

// newest is the newest message of a room that the server has acknowledged.
type newest struct {
	id       string // of messages, which sort by time
	position string // Klatch-Position of its acknowledgement
}

// newestOf has one for each room. Writers raise it and readers look at it before
// they ask: an answer with an older newest message is stale.
type newestOf []atomic.Pointer[newest]

func (n newestOf) acknowledged(room int, m newest) {
	for {
		old := n[room].Load()
		if old != nil && old.id >= m.id || n[room].CompareAndSwap(old, &m) {
			return
		}
	}
}

func (n newestOf) known(room int) newest {
	if m := n[room].Load(); m != nil {
		return *m
	}
	return newest{}
}

const itemKey = `{"id":"` // begins a message and nothing else in a page of the bench's

// pageFound is what a page of messages says, without decoding it.
type pageFound struct {
	items  int
	newest string
}

// readPage finds the newest message of a page, which stands last.
func readPage(body []byte, room string) (p pageFound, err error) {
	key := []byte(itemKey)
	p.items = bytes.Count(body, key)
	if p.items == 0 {
		return p, fmt.Errorf("a page without messages: %.100q", body)
	}
	last := body[bytes.LastIndex(body, key)+len(key):]
	p.newest = string(upTo(last, idLength))
	if in := quoted(after(last, `"room":"`)); in != room {
		return p, fmt.Errorf("a message of room %q in the page of room %q", in, room)
	}
	return p, nil
}
