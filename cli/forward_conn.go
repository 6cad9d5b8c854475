package cli

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	forwardBuffer = 4 << 10 // of each direction of a WebSocket that is forwarded
	// forwardPatience is how long a client may take to read what was read for it.
	forwardPatience = 10 * time.Second
)

// forwardWriter is a ResponseWriter whose connection, once hijacked, is a
// forwardConn that ends with ctx.
type forwardWriter struct {
	http.ResponseWriter
	ctx context.Context
}

// Unwrap is for http.ResponseController.
func (w *forwardWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack implements http.Hijacker.
func (w *forwardWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	context.AfterFunc(w.ctx, func() { _ = conn.Close() })
	return &forwardConn{Conn: conn, early: rw.Reader}, rw, nil
}

// forwardConn is a client's connection on its way to another node. It has no
// CloseWrite: when either side has said all, both ends go, or a client that is
// silent then would hold its tunnel for good.
type forwardConn struct {
	net.Conn
	early *bufio.Reader // what net/http has read of it beyond the request
}

// Read implements net.Conn.
func (c *forwardConn) Read(b []byte) (int, error) {
	if c.early.Buffered() > 0 {
		return c.early.Read(b)
	}
	return c.Conn.Read(b)
}

// Write implements net.Conn.
func (c *forwardConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(forwardPatience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// ReadFrom copies with a small buffer, for io.Copy.
func (c *forwardConn) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{r}, make([]byte, forwardBuffer))
}

// WriteTo copies with a small buffer, for io.Copy.
func (c *forwardConn) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{c}, make([]byte, forwardBuffer))
}
