package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fake is a WebSocket server with one room: it gives each message an id and
// sends it to all. What it does wrong is the test's.
type fake struct {
	url    string
	refuse int                                  // handshakes to answer with 503 first
	wrong  func(n int, message []byte) [][]byte // what to send for the n-th message; nil: itself
	wg     sync.WaitGroup

	mu       sync.Mutex
	conns    []net.Conn
	messages int
	refused  int
}

// start serves until the test's end.
func (f *fake) start(t *testing.T) *fake {
	s := httptest.NewServer(http.HandlerFunc(f.serve))
	f.url = s.URL
	t.Cleanup(func() {
		s.Close()
		f.mu.Lock()
		for _, c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
		f.wg.Wait()
	})
	return f
}

func (f *fake) serve(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused < f.refuse {
		f.refused++
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	f.conns = append(f.conns, conn)
	f.wg.Go(func() { f.read(in.Reader) })
}

// read takes the frames of one client, whose mask is zero.
func (f *fake) read(in *bufio.Reader) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := int(head[1] &^ maskBit)
		if size == 126 {
			var long [2]byte
			_, _ = io.ReadFull(in, long[:])
			size = int(binary.BigEndian.Uint16(long[:]))
		}
		payload := make([]byte, 4+size)
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		if head[0] == final|opText {
			f.posted(payload[4:])
		}
	}
}

func (f *fake) posted(body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	message := fmt.Appendf(nil, "%0*d%s", idLength, f.messages, body)
	out := [][]byte{message}
	if f.wrong != nil {
		out = f.wrong(f.messages, message)
	}
	f.messages++
	for _, m := range out {
		for _, c := range f.conns {
			_, _ = c.Write(serverFrame(final|opText, m))
		}
	}
}

// shout is the fake's protocol: a message is its id and its body.
type shout struct{}

func (shout) Name() string { return "shout" }

func (shout) Request(*Client) (string, http.Header, error) { return "/", nil, nil }

func (shout) Opened(c *Client) { c.Ready() }

func (shout) Post(c *Client, body []byte) bool { return c.Send(false, body) }

func (shout) Message(c *Client, data []byte) {
	if strings.HasPrefix(string(data), "error") {
		c.Failed(string(data))
		return
	}
	c.Delivered(data[min(idLength, len(data)):], upTo(data, idLength))
}
