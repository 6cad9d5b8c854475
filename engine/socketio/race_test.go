package socketio

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// Everything at once: clients come, talk and go while the program sends, moves
// and disconnects them. Each socket that was welcomed hears of its end once, and
// nothing of anybody is left.
func TestEverythingAtOnce(t *testing.T) {
	h := open(t, Config{})
	n := h.Of("/x")
	var welcomed, gone sync.WaitGroup
	n.Use(func(s *Socket) error { return s.Join("all") })
	n.OnConnection(func(s *Socket) {
		gone.Add(1)
		s.OnDisconnect(func(string) { gone.Done() })
		s.On("go", func(e *Event) {
			_ = s.To("all").Emit("said", s.ID(), []byte("blob"))
			s.Leave("all")
			_ = s.Join("all", "talkers")
			_ = e.Ack(s.Rooms())
		})
	})
	for i := range 3 {
		welcomed.Go(func() {
			for range 300 {
				_ = n.To("all").Except("talkers").Emit("tick", i)
				for _, s := range n.In("talkers").Sockets() {
					if s.Rooms(); i == 0 {
						s.Disconnect(false)
					}
				}
			}
		})
	}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 10 {
				visit(h)
			}
		})
	}
	clients.Wait()
	welcomed.Wait()
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	gone.Wait()
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.sockets)+len(n.rooms) != 0 {
		t.Fatalf("%d sockets and %d rooms are left", len(n.sockets), len(n.rooms))
	}
}

// visit is one client's life, whatever it is told.
func visit(h *house) {
	p := h.dial()
	p.join("/x")
	for i := range 5 {
		p.send(fmt.Sprintf(`42/x,%d["go"]`, i))
	}
	p.send(`41/x,`, "1")
	p.closed()
}

// EIO3 sockets, connecting and leaving under the server's Close.
func TestCloseWhileClientsCome(t *testing.T) {
	h := open(t, old(Config{}))
	h.Use(func(s *Socket) error { return nil })
	h.OnConnection(func(s *Socket) { _ = s.Emit("hi") })
	var clients sync.WaitGroup
	for range 8 {
		p := h.dial("EIO=3")
		clients.Go(p.closed)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
}
