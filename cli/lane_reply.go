package cli

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	laneSmall = 4 << 10  // what is copied to go with what follows, rather than written
	laneWhole = 64 << 10 // of an answer of unknown length, to learn it
)

// laneReply is the http.ResponseWriter of a lane's connection, for one request
// after the other. Fields are written as they are at WriteHeader, in no order. An
// answer leaves in one write, if the handler gives its body in one. As with
// http.Server nobody may use it when the handler has returned; what came of it is
// cleared before the next request, so nothing of one answer gets into another.
type laneReply struct {
	conn    *laneConn
	header  http.Header
	isHead  bool
	out     *[]byte     // from laneBuffers: the head, then small parts of the body
	status  int         // 0 until WriteHeader
	length  int64       // of the body, -1 if unknown
	typed   bool        // nothing is to be guessed
	dated   bool        // by the handler
	body    []byte      // as long as its length is unknown
	begun   bool        // the head is complete
	close   bool        // the connection, after this
	written int64       // of the body by the handler
	err     error       // of the connection
	pair    [2][]byte   // for bufs
	bufs    net.Buffers // here, or each answer would allocate it
}

var laneBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 2*laneSmall); return &b }}

func (w *laneReply) reset(c *laneConn, isHead bool) {
	h := w.header
	if h == nil {
		h = make(http.Header, 16)
	}
	clear(h)
	*w = laneReply{conn: c, header: h, isHead: isHead, length: -1, out: laneBuffers.Get().(*[]byte)}
}

// Header implements http.ResponseWriter.
func (w *laneReply) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *laneReply) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status %d", status))
	}
	if status < 200 || w.status != 0 || w.conn.gone {
		return
	}
	w.status = status
	w.announce()
	b := append(*w.out, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(append(b, ' '), http.StatusText(status)...), "\r\n"...)
	for name, lines := range w.header {
		if w.suppressed(name) {
			continue
		}
		for _, line := range lines {
			b = appendField(b, name, line)
		}
	}
	*w.out = b
}

// announce takes from the fields what concerns the framing.
func (w *laneReply) announce() {
	w.close = w.conn.lane.closing.Load() || httpguts.HeaderValuesContainsToken(w.header["Connection"], "close")
	_, w.typed = w.header["Content-Type"]
	w.typed = w.typed || w.header.Get("Content-Encoding") != ""
	_, w.dated = w.header["Date"]
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.length = n
	}
}

// suppressed tells fields that the answer must not have.
func (w *laneReply) suppressed(name string) bool {
	switch name {
	case "Transfer-Encoding", "Trailer":
		return true
	case "Content-Length":
		return w.length < 0 || !w.hasBody()
	case "Connection":
		return w.close
	case "Content-Type":
		return w.status == http.StatusNotModified
	}
	return !httpguts.ValidHeaderFieldName(name)
}

// hasBody tells answers that a body may follow, or would to a GET.
func (w *laneReply) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

func appendField(b []byte, name, value string) []byte {
	if strings.ContainsAny(value, "\r\n") {
		value = oneLine.Replace(value)
	}
	b = append(append(b, name...), ": "...)
	return append(append(b, textproto.TrimString(value)...), "\r\n"...)
}

// Write implements http.ResponseWriter.
func (w *laneReply) Write(p []byte) (int, error) {
	if w.conn.gone {
		return 0, http.ErrHijacked
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if w.written += int64(len(p)); w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.length < 0 && w.written <= laneWhole {
		w.body = append(w.body, p...)
		return len(p), nil
	}
	w.begin(p)
	w.put(p)
	return len(p), w.err
}

// begin completes the head of an answer whose body begins with p, and puts what
// was kept to learn its length.
func (w *laneReply) begin(p []byte) {
	if w.begun {
		return
	}
	w.begun = true
	kept := w.body
	if len(kept) > 0 {
		p = kept
	}
	b := *w.out
	if w.hasBody() && !w.typed && len(p) > 0 {
		b = appendField(b, "Content-Type", http.DetectContentType(p))
	}
	if !w.dated {
		b = append(time.Now().UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
	}
	w.close = w.close || w.length < 0 && w.hasBody() && !w.isHead
	if w.close {
		b = append(b, "Connection: close\r\n"...)
	}
	*w.out = append(b, "\r\n"...)
	w.put(kept)
}

// put sends bytes of the body, and first what waits, or has small ones wait.
func (w *laneReply) put(p []byte) {
	switch {
	case w.isHead || w.err != nil:
	case len(*w.out)+len(p) <= laneSmall:
		*w.out = append(*w.out, p...)
	default:
		w.pair = [2][]byte{*w.out, p}
		w.bufs = w.pair[:]
		_, w.err = w.bufs.WriteTo(w.conn.Conn)
		*w.out, w.pair = (*w.out)[:0], [2][]byte{}
	}
}

// finish sends what has not been sent, and reports whether the connection may go on.
func (w *laneReply) finish() bool {
	w.WriteHeader(http.StatusOK) // if there was none
	if w.length < 0 && w.hasBody() && !w.begun && (w.written > 0 || !w.isHead) {
		w.length = w.written
		*w.out = appendField(*w.out, "Content-Length", strconv.FormatInt(w.length, 10))
	}
	w.begin(nil)
	if len(*w.out) > 0 && w.err == nil {
		_, w.err = w.conn.Conn.Write(*w.out)
	}
	*w.out = (*w.out)[:0]
	laneBuffers.Put(w.out)
	w.out = nil
	whole := w.isHead || !w.hasBody() || w.written == w.length
	return whole && !w.close && w.err == nil
}

// Hijack implements http.Hijacker. The reader holds what has come beyond the request.
func (w *laneReply) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c := w.conn
	if c.gone || w.status != 0 {
		return nil, nil, http.ErrHijacked
	}
	c.gone = true
	c.lane.leave(c)
	_ = c.SetDeadline(time.Time{})
	c.lane.tell(c.Conn, http.StateHijacked)
	in := bufio.NewReaderSize(&handed{c.Conn, c.unread}, max(16, len(c.unread)))
	if _, err := in.Peek(len(c.unread)); err != nil {
		return nil, nil, err
	}
	return c.Conn, bufio.NewReadWriter(in, bufio.NewWriterSize(c.Conn, 16)), nil
}
