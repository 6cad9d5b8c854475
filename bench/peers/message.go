package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/klatch-chat/klatch/bench"
)

// All servers deliver messages of one shape and size, klatch's:
//
//	{"type":"message","id":"26 bytes","room":"26","user":"26","body":"...","at":"24"}
//
// Those that relay what clients write are given it whole by their clients.
// Socket.IO says "message" as the event's name instead of "type".

const (
	wideLength = 26
	at         = "2026-01-01T00:00:00.000Z"
)

// wide makes a name as long as an id of klatch's.
func wide(name string) string {
	return strings.Repeat("0", max(0, wideLength-len(name))) + name
}

// appendMessage appends a message as a client writes it itself.
func appendMessage(p []byte, c *bench.Client, body []byte) []byte {
	p = fmt.Appendf(p, `{"type":"message","id":"%s","room":"%s","user":"%s","body":"`, wide(""), wide(c.RoomName()), wide(c.Name()))
	return append(append(p, body...), `","at":"`+at+`"}`...)
}

var (
	idKey   = []byte(`"id":"`)
	bodyKey = []byte(`"body":"`)
)

// parseMessage finds a message's id and where its body begins, which is all
// that the bench looks at, without decoding it.
func parseMessage(data []byte) (body, id []byte, ok bool) {
	i := bytes.Index(data, idKey)
	if i < 0 || len(data) < i+len(idKey)+wideLength {
		return nil, nil, false
	}
	id = data[i+len(idKey):][:wideLength]
	rest := data[i+len(idKey)+wideLength:]
	j := bytes.Index(rest, bodyKey)
	if j < 0 {
		return nil, nil, false
	}
	return rest[j+len(bodyKey):], id, true
}

// bare is the protocol of the bare server: messages, and nothing else.
type bare struct{}

func (bare) Name() string { return "bare" }

// Request implements bench.Protocol.
func (bare) Request(c *bench.Client) (string, http.Header, error) {
	return "/?room=" + c.RoomName(), nil, nil
}

// Opened implements bench.Protocol.
func (bare) Opened(c *bench.Client) { c.Ready() }

// Message implements bench.Protocol.
func (bare) Message(c *bench.Client, data []byte) {
	body, _, ok := parseMessage(data)
	if !ok {
		c.Failed(string(data))
		return
	}
	c.Delivered(body, nil) // ids are the senders' here, and say nothing
}

// Post implements bench.Protocol.
func (bare) Post(c *bench.Client, body []byte) bool {
	return c.Send(false, appendMessage(nil, c, body))
}
