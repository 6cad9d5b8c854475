package socketio_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine/socketio"
)

// start is a server for the examples.
func start() (*socketio.Server, *httptest.Server) {
	srv, err := socketio.New(socketio.Config{})
	if err != nil {
		panic(err)
	}
	return srv, httptest.NewServer(srv)
}

func closing(srv *socketio.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Close(ctx); err != nil {
		panic(err)
	}
}

// visitor is a client that the examples show the packets of.
type visitor struct {
	gws.BuiltinEventHandler
	conn  *gws.Conn
	heard chan string
	ended chan struct{}
}

// arrive connects to the main namespace.
func arrive(url, auth string) *visitor {
	v := &visitor{heard: make(chan string, 16), ended: make(chan struct{})}
	addr := "ws" + strings.TrimPrefix(url, "http") + "/socket.io/?EIO=4&transport=websocket"
	conn, _, err := gws.NewClient(v, &gws.ClientOption{Addr: addr})
	if err != nil {
		panic(err)
	}
	v.conn = conn
	go conn.ReadLoop()
	v.says("40" + auth)
	v.skips(2) // the handshake and the answer
	return v
}

// OnMessage implements gws.Event.
func (v *visitor) OnMessage(_ *gws.Conn, m *gws.Message) {
	v.heard <- m.Data.String()
	_ = m.Close()
}

// OnClose implements gws.Event.
func (v *visitor) OnClose(*gws.Conn, error) { close(v.ended) }

func (v *visitor) says(packet string) { v.must(v.conn.WriteString(packet)) }

func (v *visitor) sendsBinary(data string) {
	v.must(v.conn.WriteMessage(gws.OpcodeBinary, []byte(data)))
}

func (v *visitor) must(err error) {
	if err != nil {
		panic(err)
	}
}

func (v *visitor) next() string {
	select {
	case packet := <-v.heard:
		return packet
	case <-time.After(30 * time.Second):
		return "nothing came"
	}
}

// hears prints the next packets.
func (v *visitor) hears(n int) {
	for range n {
		fmt.Println(v.next())
	}
}

func (v *visitor) skips(n int) {
	for range n {
		v.next()
	}
}

func (v *visitor) leave() {
	v.must(v.conn.NetConn().Close())
	<-v.ended
}
