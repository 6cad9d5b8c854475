package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lxzan/gws"
)

// user is one connection of the load.
type user struct {
	gws.BuiltinEventHandler
	run   *run
	index int
	room  string
	conn  *gws.Conn

	ready     chan struct{}
	readyOnce sync.Once
	code      atomic.Uint32 // close code that the server gave
	stall     chan struct{} // reading stops at the next frame until this is closed; nil: never
	gone      chan struct{} // closed when the connection has ended
	stalling  atomic.Bool

	// Owned by the reading goroutine.
	next   map[int]uint64 // by sender: the number that must come next
	lastID [26]byte

	number uint64 // of the next post; owned by the pacer
}

// room returns the name of a user's room.
func (c *Config) room(user int) string { return fmt.Sprintf("bench-%d", user%c.Rooms) }

func (c *Config) token(user int) (string, error) {
	claims := jwt.MapClaims{
		"sub": fmt.Sprintf("bench-user-%d", user), "rooms": []string{c.room(user)},
		"exp": time.Now().Add(24 * time.Hour).Unix(),
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(c.Secret)
}

// dial connects a user and says hello. Ready follows on its own.
func (r *run) dial(index int) (*user, error) {
	u := &user{run: r, index: index, room: r.cfg.room(index), ready: make(chan struct{}), gone: make(chan struct{}), next: map[int]uint64{}}
	if index < r.cfg.Stalled {
		u.stall = make(chan struct{})
	}
	token, err := r.cfg.token(index)
	if err != nil {
		return nil, err
	}
	base := r.cfg.URLs[index%len(r.cfg.URLs)]
	option := &gws.ClientOption{
		Addr:               "ws" + strings.TrimPrefix(base, "http") + "/api/v1/ws",
		RequestHeader:      http.Header{"Sec-WebSocket-Protocol": {"klatch.v1.json"}, "Authorization": {"Bearer " + token}},
		ReadMaxPayloadSize: 1 << 20, ReadBufferSize: 2048, WriteBufferSize: 512,
	}
	if u.stall != nil {
		option.NewDialer = smallWindow
	}
	conn, _, err := gws.NewClient(u, option)
	if err != nil {
		return nil, fmt.Errorf("connect user %d: %w", index, err)
	}
	u.conn = conn
	go conn.ReadLoop()
	return u, conn.WriteString(`{"type":"hello"}`)
}

// smallWindow makes connections that take little while nobody reads, as a phone's would.
func smallWindow() (gws.Dialer, error) {
	return &net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10) })
		return errors.Join(cerr, err)
	}}, nil
}

// OnMessage implements gws.Event.
func (u *user) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	if u.stall != nil && u.stalling.Load() {
		<-u.stall
	}
	frame := m.Bytes()
	switch {
	case u.stall != nil && u.stalling.Load(): // what it reads in the end counts for nothing
	case bytes.HasPrefix(frame, []byte(`{"type":"message"`)):
		u.delivered(frame)
	case bytes.HasPrefix(frame, []byte(`{"type":"ready"`)):
		u.readyOnce.Do(func() { close(u.ready) })
	case bytes.HasPrefix(frame, []byte(`{"type":"error"`)):
		u.run.failed(u, frame)
	}
}

func (u *user) OnClose(_ *gws.Conn, err error) {
	u.code.Store(1006)
	if ce := (*gws.CloseError)(nil); errors.As(err, &ce) {
		u.code.Store(uint32(ce.Code))
	}
	close(u.gone)
	if !u.run.ending.Load() && u.stall == nil {
		u.run.dropped.Add(1)
	}
}

func (u *user) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

// delivered checks one message and counts its latency.
func (u *user) delivered(frame []byte) {
	now := time.Since(u.run.start)
	m, id, ok := readMark(frame)
	if !ok {
		u.run.count.foreign.Add(1)
		return
	}
	c := &u.run.count
	if m.number < u.next[m.sender] {
		c.doubled.Add(1)
	} else {
		u.next[m.sender] = m.number + 1
	}
	if bytes.Compare(id, u.lastID[:]) <= 0 {
		c.disordered.Add(1)
	}
	copy(u.lastID[:], id)
	c.delivered.Add(1)
	if counted := m.nanos >= int64(u.run.cfg.Warmup); counted {
		u.run.record(u.index, now-time.Duration(m.nanos))
	}
}

// post sends one message whose intended time is at.
func (u *user) post(at time.Duration) error {
	m := mark{u.index, u.number, int64(at)}
	u.number++
	frame, err := json.Marshal(struct {
		Type string `json:"type"`
		Room string `json:"room"`
		Body string `json:"body"`
	}{"post", u.room, m.body(u.run.cfg.Body)})
	if err != nil {
		return err
	}
	return u.conn.WriteMessage(gws.OpcodeText, frame)
}
