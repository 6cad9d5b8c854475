package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	answerPatience = 30 * time.Second // for one answer, the way there included
	answerMost     = 16 << 20         // bytes of a body
)

var errBigAnswer = errors.New("the answer is larger than any that was asked for")

// caller is one HTTP/1.1 connection that is kept alive, with one exchange on it
// at a time. net/http's client costs three goroutine switches more for each.
type caller struct {
	ctx     context.Context
	address string // of its node, IP:PORT

	conn    net.Conn // nil: none, or one that nothing may follow on
	release func() bool
	in      *bufio.Reader
	out     []byte // scratch for requests
	body    bytes.Buffer
}

func newCaller(ctx context.Context, base string) *caller {
	address := strings.TrimPrefix(strings.TrimRight(base, "/"), "http://")
	return &caller{ctx: ctx, address: address, in: bufio.NewReaderSize(nil, 16<<10)}
}

// reply is an answer. Its body is valid until the next exchange.
type reply struct {
	status   int
	xCache   string
	position string // Klatch-Position
	body     []byte
}

// request begins a request in the scratch; what follows are further header
// fields and an empty line.
func (c *caller) request(method, path, token string) []byte {
	p := append(c.out[:0], method...)
	p = append(append(append(p, ' '), path...), " HTTP/1.1\r\nHost: "...)
	p = append(append(p, c.address...), "\r\nAuthorization: Bearer "...)
	return append(append(p, token...), "\r\n"...)
}

// get asks for a path, with these further header fields.
func (c *caller) get(path, token, header string) (reply, error) {
	return c.exchange(append(append(c.request("GET", path, token), header...), "\r\n"...))
}

// post sends JSON.
func (c *caller) post(path, token string, body []byte) (reply, error) {
	p := fmt.Appendf(c.request("POST", path, token), "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	return c.exchange(append(p, body...))
}

// exchange sends a request and reads the answer to it.
func (c *caller) exchange(request []byte) (r reply, err error) {
	c.out = request
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return r, err
		}
	}
	if err = c.conn.SetDeadline(time.Now().Add(answerPatience)); err == nil {
		_, err = c.conn.Write(request)
	}
	if err == nil {
		r, err = c.read()
	}
	if err != nil {
		c.close()
	}
	return r, err
}

func (c *caller) read() (r reply, err error) {
	a, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return r, fmt.Errorf("read the answer: %w", err)
	}
	c.body.Reset()
	n, err := c.body.ReadFrom(io.LimitReader(a.Body, answerMost+1))
	switch {
	case err != nil:
		return r, fmt.Errorf("read the answer: %w", err)
	case n > answerMost:
		return r, errBigAnswer
	}
	if a.Close {
		c.close()
	}
	return reply{a.StatusCode, a.Header.Get("X-Cache"), a.Header.Get("Klatch-Position"), c.body.Bytes()}, nil
}

// dial connects. The end of the context ends what waits on the connection.
func (c *caller) dial() error {
	conn, err := (&net.Dialer{Timeout: answerPatience}).DialContext(c.ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.conn = conn
	c.release = context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	c.in.Reset(conn)
	return nil
}

func (c *caller) close() {
	if c.conn != nil {
		c.release()
		_ = c.conn.Close()
		c.conn = nil
	}
}
