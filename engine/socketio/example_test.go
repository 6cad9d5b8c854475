package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/klatch-chat/klatch/engine/socketio"
)

func Example() {
	srv, err := socketio.New(socketio.Config{})
	if err != nil {
		panic(err)
	}
	defer closing(srv)
	srv.OnConnection(func(s *socketio.Socket) {
		s.On("greet", func(e *socketio.Event) {
			var name string
			if err := e.Bind(&name); err != nil {
				return
			}
			_ = e.Ack("hello, " + name)
		})
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	web := httptest.NewServer(mux)
	defer web.Close()

	// socket.emit("greet", "Ada", (answer) => ...)
	v := arrive(web.URL, "")
	defer v.leave()
	v.says(`421["greet","Ada"]`)
	v.hears(1)
	// Output: 431["hello, Ada"]
}

// A room is where those are who have joined it; Socket.To leaves out the sender.
func ExampleSocket_To() {
	srv, web := start()
	defer closing(srv)
	defer web.Close()
	srv.OnConnection(func(s *socketio.Socket) {
		s.On("join", func(e *socketio.Event) {
			var room string
			if err := e.Bind(&room); err == nil {
				_ = e.Ack(s.Join(room) == nil)
			}
		})
		s.On("message", func(e *socketio.Event) {
			var room, body string
			if err := e.Bind(&room, &body); err == nil {
				_ = s.To(room).Emit("message", body)
			}
		})
	})
	ada, ben := arrive(web.URL, ""), arrive(web.URL, "")
	defer ada.leave()
	defer ben.leave()
	for _, v := range []*visitor{ada, ben} {
		v.says(`421["join","tea"]`)
		v.hears(1)
	}
	ada.says(`42["message","tea","milk?"]`)
	ben.hears(1)
	// Output:
	// 431[true]
	// 431[true]
	// 42["message","milk?"]
}

// What a middleware returns is the client's connect_error.
func ExampleNamespace_Use() {
	srv, web := start()
	defer closing(srv)
	defer web.Close()
	srv.Of("/admin").Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := json.Unmarshal(s.Handshake().Auth, &auth); err != nil || auth.Token != "secret" {
			return &socketio.Error{Message: "unauthorized", Data: map[string]int{"code": 401}}
		}
		s.SetData("the administrator")
		return nil
	})
	srv.Of("/admin").OnConnection(func(s *socketio.Socket) { _ = s.Emit("welcome", s.Data()) })

	v := arrive(web.URL, "")
	defer v.leave()
	v.says(`40/admin,{"token":"guess"}`)
	v.hears(1)
	v.says(`40/admin,{"token":"secret"}`)
	v.skips(1) // the answer, with an id
	v.hears(1)
	// Output:
	// 44/admin,{"message":"unauthorized","data":{"code":401}}
	// 42/admin,["welcome","the administrator"]
}

func ExampleSocket_EmitWithAck() {
	srv, web := start()
	defer closing(srv)
	defer web.Close()
	done := make(chan struct{})
	srv.OnConnection(func(s *socketio.Socket) {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		answer, err := s.EmitWithAck(ctx, "how many?")
		if err != nil {
			fmt.Println("no answer:", err)
			return
		}
		var n int
		if err := answer.Bind(&n); err == nil {
			fmt.Println("the client says", n)
		}
	})
	v := arrive(web.URL, "")
	defer v.leave()
	v.hears(1)
	v.says(`430[3]`)
	<-done
	// Output:
	// 420["how many?"]
	// the client says 3
}

// Binary data is []byte on this side and an ArrayBuffer or Buffer on the other.
func ExampleEvent_Bind() {
	srv, web := start()
	defer closing(srv)
	defer web.Close()
	srv.OnConnection(func(s *socketio.Socket) {
		s.On("upload", func(e *socketio.Event) {
			var file struct {
				Name string `json:"name"`
				Data []byte `json:"data"`
			}
			if err := e.Bind(&file); err == nil {
				_ = e.Ack(file.Name, len(file.Data))
			}
		})
	})
	v := arrive(web.URL, "")
	defer v.leave()
	v.says(`451-7["upload",{"name":"a.png","data":{"_placeholder":true,"num":0}}]`)
	v.sendsBinary("binary data")
	v.hears(1)
	// Output: 437["a.png",11]
}

// echo is a protocol of its own on the raw layer.
type echo struct{}

func (echo) Opened(*socketio.Socket) {}

func (echo) Packet(s *socketio.Socket, p *socketio.Packet) {
	s.Send(socketio.EventFrame(p.Namespace, socketio.NoID, p.Data, p.Attachments))
}

func (echo) Beat(*socketio.Socket) {}

func (echo) Closed(*socketio.Socket, string) {}

func ExampleNamespace_Raw() {
	srv, web := start()
	defer closing(srv)
	defer web.Close()
	srv.Raw(func(_ *socketio.Socket, auth json.RawMessage) (socketio.Receiver, string, error) {
		if string(auth) != `{"token":"x"}` {
			return nil, "", errors.New("unauthorized")
		}
		return echo{}, "", nil
	})
	v := arrive(web.URL, `{"token":"x"}`)
	defer v.leave()
	v.says(`42["anything",1]`)
	v.hears(1)
	// Output: 42["anything",1]
}
