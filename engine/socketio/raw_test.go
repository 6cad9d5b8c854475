package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// scribe is a Receiver that writes down what happens.
type scribe struct {
	t      *testing.T
	says   chan string
	inside atomic.Int32
	closed atomic.Bool
	work   func(s *Socket, name string)
}

func (r *scribe) enter() func() {
	if r.inside.Add(1) > 1 {
		r.t.Error("the receiver was called twice at once")
	}
	if r.closed.Load() {
		r.t.Error("the receiver was called after Closed")
	}
	return func() { r.inside.Add(-1) }
}

func (r *scribe) Opened(s *Socket) {
	defer r.enter()()
	r.says <- "opened"
}

func (r *scribe) Packet(s *Socket, p *Packet) {
	defer r.enter()()
	name, args, err := p.Split()
	if err != nil {
		r.t.Error(err)
	}
	r.says <- fmt.Sprintf("%c %s %d %s %s %q", p.Type, p.Namespace, p.ID, name, args, p.Attachments)
	if r.work != nil {
		r.work(s, name)
	}
}

func (r *scribe) Beat(*Socket) {
	select {
	case r.says <- "beat":
	default:
	}
}

func (r *scribe) Closed(_ *Socket, reason string) {
	defer r.enter()()
	if r.closed.Swap(true) {
		r.t.Error("the receiver was told twice that it is closed")
	}
	r.says <- "closed: " + reason
}

func TestRaw(t *testing.T) {
	h := open(t, Config{})
	sockets := make(chan *Socket, 1)
	r := &scribe{t: t, says: make(chan string, 64)}
	h.Of("/raw").Raw(func(s *Socket, auth json.RawMessage) (Receiver, string, error) {
		if string(auth) != `{"token":"x"}` {
			return nil, "", &Error{Message: "unauthorized", Data: 4001}
		}
		s.Send(EventFrame("/raw", NoID, []byte(`["too early"]`), nil))
		sockets <- s
		return r, "pid-1", nil
	})
	p := h.dial()
	p.send(`40/raw,`)
	p.is(`44/raw,{"message":"unauthorized","data":4001}`)
	p.send(`40/raw,{"token":"x"}`)
	s := await(t, sockets)
	p.is(`40/raw,{"sid":"` + s.ID() + `","pid":"pid-1"}`)
	says := func(want string) {
		t.Helper()
		if got := await(t, r.says); got != want {
			t.Fatalf("the receiver says %q, want %q", got, want)
		}
	}
	says("opened")
	p.send(`42/raw,3["post",{"body":"a"}]`)
	says(`2 /raw 3 post [{"body":"a"}] []`)
	p.send(`451-/raw,["post",{"_placeholder":true,"num":0}]`)
	p.sendBinary("blob")
	says(`5 /raw -1 post [{"_placeholder":true,"num":0}] ["blob"]`)
	s.Send(AckFrame("/raw", 3, []byte(`[{"ok":true}]`), nil))
	p.is(`43/raw,3[{"ok":true}]`)
	h.Of("/raw").all().Send(EventFrame("/raw", NoID, []byte(`["all"]`), [][]byte{{1}}))
	p.is(`451-/raw,["all"]`, "binary:\x01")
	s.Close(engine.CloseReplaced, "elsewhere")
	p.closed()
	says("closed: " + ReasonForcedClose)
}

// The end of a socket, from wherever, waits for the packet that is at work.
func TestRawEndsInPacket(t *testing.T) {
	h := open(t, Config{})
	for name, end := range map[string]func(s *Socket){
		"disconnect":     func(s *Socket) { s.Disconnect(false) },
		"disconnect all": func(s *Socket) { s.Disconnect(true) },
		"close":          func(s *Socket) { s.Close(engine.CloseNormal, "") },
		"from outside": func(s *Socket) {
			var outside sync.WaitGroup
			outside.Go(func() { s.Disconnect(false) })
			outside.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &scribe{t: t, says: make(chan string, 64)}
			r.work = func(s *Socket, name string) {
				end(s)
				r.says <- "ended"
			}
			h.Raw(func(*Socket, json.RawMessage) (Receiver, string, error) { return r, "", nil })
			p := h.dial()
			p.join("/")
			p.send(`42["a"]`)
			for _, want := range []string{"opened", `2 / -1 a [] []`, "ended"} {
				if got := await(t, r.says); got != want {
					t.Fatalf("the receiver says %q, want %q", got, want)
				}
			}
			if got := await(t, r.says); got != "closed: "+ReasonServerDisconnect && got != "closed: "+ReasonForcedClose {
				t.Fatalf("the receiver says %q", got)
			}
		})
	}
}

func TestRawBeats(t *testing.T) {
	h := open(t, Config{Config: engineio.Config{PingInterval: 50 * time.Millisecond}})
	r := &scribe{t: t, says: make(chan string, 64)}
	h.Raw(func(*Socket, json.RawMessage) (Receiver, string, error) { return r, "", nil })
	p := h.dial()
	p.join("/")
	for beats := 0; beats < 2; {
		if await(t, r.says) == "beat" {
			beats++
		}
	}
}

// A panic of the receiver ends the connection, and it is told.
func TestRawPanics(t *testing.T) {
	h := open(t, Config{})
	r := &scribe{t: t, says: make(chan string, 64), work: func(*Socket, string) { panic("crash") }}
	h.Raw(func(*Socket, json.RawMessage) (Receiver, string, error) { return r, "", nil })
	p := h.dial()
	p.join("/")
	p.send(`42["a"]`)
	p.closed()
	for got := ""; got == "" || got[0] != 'c'; {
		got = await(t, r.says)
	}
}

var errRefused = errors.New("refused")

// I9: a raw namespace that refuses has nobody in it.
func TestRawRefuses(t *testing.T) {
	h := open(t, Config{})
	h.Raw(func(s *Socket, _ json.RawMessage) (Receiver, string, error) { return nil, "", errRefused })
	p := h.dial()
	for range 3 {
		p.send(`40`)
		p.is(`44{"message":"refused"}`)
	}
	h.isEmpty(t)
}
