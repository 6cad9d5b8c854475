package socketio

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// listen has the end of every socket of the main namespace told.
func (h *house) listen() <-chan string {
	reasons := make(chan string, 8)
	h.OnConnection(func(s *Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) })
	return reasons
}

// I6: a client that never connects to a namespace is cut off, also one that is
// refused again and again.
func TestConnectTimeout(t *testing.T) {
	h := open(t, Config{ConnectTimeout: time.Second})
	idle, busy := h.dial(), h.dial()
	for range 3 {
		busy.send("40/unknown")
		busy.is(`44/unknown,{"message":"Invalid namespace"}`)
	}
	idle.closed()
	busy.closed()
}

func TestConnectTimeoutSparesWhoConnected(t *testing.T) {
	h := open(t, Config{ConnectTimeout: time.Second})
	h.OnConnection(echoes)
	idle, p := h.dial(), h.dial()
	p.join("/")
	p.is(`42["auth",{}]`)
	idle.closed()
	h.dial().closed() // by now p has been there for longer than that
	p.send(`42["message",1]`)
	p.is(`42["message-back",1]`)
}

// I6: namespaces of a connection.
func TestMaxNamespaces(t *testing.T) {
	h := open(t, Config{MaxNamespaces: 3})
	p := h.dial()
	for i := range 5 {
		h.Of(fmt.Sprintf("/%d", i))
	}
	for i := range 3 {
		p.join(fmt.Sprintf("/%d", i))
	}
	p.send("40/3")
	p.is(`44/3,{"message":"too many namespaces"}`)
	p.send("41/0")
	p.join("/3")
}

// I6: a packet's bytes, with those of its attachments.
func TestPacketBytes(t *testing.T) {
	h := open(t, Config{Config: engineio.Config{MaxPayload: 10_000}})
	h.OnConnection(echoes)
	reasons := h.listen()
	p := h.dial()
	p.join("/")
	p.is(`42["auth",{}]`)
	text := `452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	half := strings.Repeat("x", 4900)
	p.send(text)
	p.sendBinary(half)
	p.sendBinary(half)
	p.is(`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "binary:"+half, "binary:"+half)
	p.send(text)
	p.sendBinary(half)
	p.sendBinary(half + half[:200])
	p.closed()
	if reason := await(t, reasons); reason != ReasonParseError {
		t.Fatalf("disconnected for %q", reason)
	}
}

func TestMaxAttachmentsOfOurs(t *testing.T) {
	h := open(t, Config{MaxAttachments: 2})
	b := []byte("b")
	if err := h.Emit("x", b, b); err != nil {
		t.Error(err)
	}
	if err := h.Emit("x", b, b, b); err == nil {
		t.Error("more attachments were sent than clients take")
	}
	if err := h.Emit("disconnect"); err == nil {
		t.Error("a reserved name was sent")
	}
}

// I6: events that wait for their listeners are bounded. A client that is ahead
// waits; listeners that never come to an end cost their connection.
func TestBusyListeners(t *testing.T) {
	h := open(t, Config{ListenTimeout: time.Second})
	reasons := h.listen()
	hold := make(chan struct{})
	heard := make(chan int, 4096)
	h.OnConnection(func(s *Socket) {
		s.On("a", func(e *Event) {
			var i int
			_ = e.Bind(&i)
			heard <- i
			<-hold
		})
	})
	p := h.dial()
	p.join("/")
	for i := range 300 {
		p.send(fmt.Sprintf(`42["a",%d]`, i))
	}
	p.closed()
	close(hold)
	if reason := await(t, reasons); reason != ReasonBusy {
		t.Fatalf("disconnected for %q", reason)
	}
	close(heard)
	want := 0
	for i := range heard {
		if i != want {
			t.Fatalf("event %d was heard, want %d", i, want)
		}
		want++
	}
	if want > 258 {
		t.Fatalf("%d events waited", want)
	}
}

// I6: a client that does not read is cut off, and the others get everything.
func TestSlowReader(t *testing.T) {
	h := open(t, Config{Config: engineio.Config{QueueBytes: 256 << 10}})
	c := gather(h, h.Namespace, 2)
	gone := make(chan string, 1)
	c.sockets[0].OnDisconnect(func(reason string) { gone <- reason })
	c.peers[0].deaf.Store(true)
	body := strings.Repeat("x", 64<<10)
	for i := 0; c.sockets[0].Connected(); i++ {
		if err := h.Emit("x", body); err != nil {
			t.Fatal(err)
		}
		c.peers[1].is(`42["x","` + body + `"]`)
		if i > 10_000 {
			t.Fatal("the client is still there")
		}
	}
	if reason := await(t, gone); reason != ReasonTooSlow {
		t.Fatalf("disconnected for %q", reason)
	}
	if !c.sockets[1].Connected() {
		t.Fatal("a client that reads was disconnected")
	}
}

// I6, I9: nothing is kept of the attachments of a client that is in no namespace.
func TestI9AttachmentsBeforeConnect(t *testing.T) {
	h := open(t, Config{})
	for _, packet := range []string{`451-["a"]`, `451-/other,["a"]`, `461-7["a"]`} {
		p := h.dial()
		p.send(packet)
		p.closed()
	}
	p := h.dial()
	p.join("/")
	p.send(`451-/other,["a"]`)
	p.closed()
}

// I6: each CONNECT may cost the program a look into its database.
func TestI6RefusedTooOften(t *testing.T) {
	h := open(t, Config{MaxNamespaces: 3})
	var asked atomic.Int32
	h.Raw(func(*Socket, json.RawMessage) (Receiver, string, error) {
		asked.Add(1)
		return nil, "", errRefused
	})
	p := h.dial()
	for range 50 {
		_ = p.conn.WriteString("40") // it may have been cut off by then
	}
	for range 4 {
		p.is(`44{"message":"refused"}`)
	}
	p.closed()
	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times", n)
	}
}
