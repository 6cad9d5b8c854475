package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/klatch-chat/klatch/bench"
)

// nats is NATS's text protocol in binary WebSocket messages
// (https://docs.nats.io/reference/reference-protocols/nats-protocol). They are
// a stream of bytes: where a WebSocket message ends means nothing.
//
//	server                                client
//	INFO {...}
//	                                      CONNECT {...}, SUB rooms.R 1, PING
//	PONG
//	                                      PUB rooms.R SIZE, then the payload
//	MSG rooms.R 1 SIZE, then the payload
//	PING                                  PONG
type nats struct{}

func (nats) Name() string { return "nats" }

// Request implements bench.Protocol.
func (nats) Request(*bench.Client) (string, http.Header, error) { return "/", nil, nil }

// Opened implements bench.Protocol. What is behind PING has been done when PONG comes.
func (nats) Opened(c *bench.Client) {
	c.State = &natsStream{}
	c.Send(true, fmt.Appendf(nil, `CONNECT {"verbose":false,"pedantic":false,"lang":"go","version":"0","protocol":1}`+
		"\r\nSUB rooms.%s 1\r\nPING\r\n", c.RoomName()))
}

// Message implements bench.Protocol.
func (nats) Message(c *bench.Client, data []byte) {
	err := c.State.(*natsStream).take(data, func(operation, payload []byte) {
		switch {
		case payload != nil:
			if body, _, ok := parseMessage(payload); ok {
				c.Delivered(body, nil) // ids are the senders' here, and say nothing
				return
			}
			c.Failed(string(payload))
		case bytes.Equal(operation, []byte("PING")):
			c.Send(true, []byte("PONG\r\n"))
		case bytes.Equal(operation, []byte("PONG")):
			c.Ready()
		case bytes.HasPrefix(operation, []byte("-ERR")):
			c.Failed(string(operation))
		}
	})
	if err != nil {
		c.Failed(err.Error())
	}
}

// Post implements bench.Protocol.
func (nats) Post(c *bench.Client, body []byte) bool {
	message := appendMessage(nil, c, body)
	p := fmt.Appendf(nil, "PUB rooms.%s %d\r\n", c.RoomName(), len(message))
	return c.Send(true, append(append(p, message...), "\r\n"...))
}

// natsStream takes the server's stream apart.
type natsStream struct {
	rest []byte // the beginning of what has not come whole
}

var (
	crlf    = []byte("\r\n")
	errNATS = errors.New("the server broke the NATS protocol")
)

// take calls on for each operation that is whole with data: payload is nil but
// for MSG. Both are valid only during the call.
func (s *natsStream) take(data []byte, on func(operation, payload []byte)) error {
	if len(s.rest) > 0 {
		s.rest = append(s.rest, data...)
		data = s.rest
	}
	for {
		operation, payload, n, err := nextOperation(data)
		if err != nil {
			return err
		}
		if n == 0 {
			s.rest = append(s.rest[:0], data...)
			return nil
		}
		on(operation, payload)
		data = data[n:]
	}
}

// nextOperation reads one operation; n is 0 while it is not whole.
func nextOperation(p []byte) (operation, payload []byte, n int, err error) {
	end := bytes.Index(p, crlf)
	if end < 0 {
		return nil, nil, 0, nil
	}
	operation, n = p[:end], end+len(crlf)
	if !bytes.HasPrefix(operation, []byte("MSG ")) {
		return operation, nil, n, nil
	}
	// MSG SUBJECT SID SIZE; a reply-to would stand before SIZE.
	size, err := strconv.Atoi(string(operation[bytes.LastIndexByte(operation, ' ')+1:]))
	if err != nil || size < 0 {
		return nil, nil, 0, errNATS
	}
	if len(p) < n+size+len(crlf) {
		return nil, nil, 0, nil
	}
	payload = p[n : n+size : n+size]
	if !bytes.HasPrefix(p[n+size:], crlf) {
		return nil, nil, 0, errNATS
	}
	return operation, payload, n + size + len(crlf), nil
}
