package cluster

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// insider is a program that has the key and speaks the protocol as it likes.
type insider struct {
	t    *testing.T
	conn net.Conn
	ws   *gws.Conn
}

func newInsider(t *testing.T, n *node) *insider {
	t.Helper()
	tr, err := listen(transportConfig{Bind: "127.0.0.1:0", Key: testKey, Logger: n.cluster.log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := tr.dialLink(ctx, n.cluster.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); _ = tr.Shutdown() })
	ws, _, err := gws.NewClientFromConn(&gws.BuiltinEventHandler{}, &gws.ClientOption{Addr: "ws://klatch/link"}, conn)
	if err != nil {
		t.Fatal(err)
	}
	return &insider{t, conn, ws}
}

func (i *insider) send(frame []byte) { _ = i.ws.WriteMessage(gws.OpcodeBinary, frame) }

func (i *insider) hello() {
	i.send(encodeFrame(frameHello, hello{Oldest: 1, Newest: 1, Origin: 12345, Position: engine.Position{}.String()}))
}

// ended waits until the node has ended the connection.
func (i *insider) ended() {
	i.t.Helper()
	if err := i.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		i.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, i.conn); err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			i.t.Fatal("the link was not ended")
		}
	}
}

// TestI6MalformedFrames: whatever comes on a link ends that link at most.
func TestI6MalformedFrames(t *testing.T) {
	n := openNode(t, vfs.NewMem(), engine.DurableOne)
	huge := binary.BigEndian.AppendUint64([]byte{0x82, 0xFF}, 1<<63) // a frame of 2^63 bytes, RFC 6455 forbids the bit
	long := binary.BigEndian.AppendUint64([]byte{0x82, 0xFF}, maxFrame+1)
	for name, do := range map[string]func(i *insider){
		"no hello":  func(i *insider) { i.send([]byte{byte(framePosition)}) },
		"empty":     func(i *insider) { i.send(nil) },
		"bad hello": func(i *insider) { i.send([]byte{byte(frameHello), 0xFF}) },
		"no origin": func(i *insider) { i.send(encodeFrame(frameHello, hello{Oldest: 1, Newest: 1})) },
		"itself": func(i *insider) {
			i.send(encodeFrame(frameHello, hello{Oldest: 1, Newest: 1, Origin: n.cluster.origin, Position: "AQ"}))
		},
		"too new": func(i *insider) {
			i.send(encodeFrame(frameHello, hello{Oldest: 9, Newest: 9, Origin: 5, Position: "AQ"}))
		},
		"2^63":           func(i *insider) { _, _ = i.conn.Write(huge) },
		"too long":       func(i *insider) { _, _ = i.conn.Write(append(long, 0, 0, 0, 0)) },
		"bad events":     func(i *insider) { i.hello(); i.send([]byte{byte(frameEvents), 0xFF, 0xFF, 1}) },
		"bad position":   func(i *insider) { i.hello(); i.send([]byte{byte(framePosition), 0xA1}) },
		"bad presence":   func(i *insider) { i.hello(); i.send([]byte{byte(framePresence), 0, 1}) },
		"bad relay":      func(i *insider) { i.hello(); i.send([]byte{byte(frameRelay), 0x9F}) },
		"bad roster":     func(i *insider) { i.hello(); i.send([]byte{byte(frameRoster), 0x1F}) },
		"says no hello":  func(*insider) {},
		"not even a GET": func(i *insider) { _, _ = i.conn.Write(make([]byte, 100)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInsider(t, n)
			do(i)
			i.ended()
		})
	}
}

// TestVersionsMeet: what a later version adds is ignored by this one.
func TestVersionsMeet(t *testing.T) {
	n := openNode(t, vfs.NewMem(), engine.DurableOne)
	i := newInsider(t, n)
	i.send(encodeFrame(frameHello, map[int]any{1: 1, 2: 7, 3: uint64(12345), 4: engine.Position{}.String(), 5: "v9", 6: []any{}, 77: "new"}))
	i.send([]byte{200, 1, 2, 3})
	e := &engine.Event{Origin: 12345, Seq: 1, Stamp: engine.StampAt(time.Now()), Kind: 200, Data: []byte{0xA0}}
	b, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	i.send(appendEvent([]byte{byte(frameEvents)}, b))
	eventually(t, "an event of an unknown kind is kept", func() bool { return n.store.Position().Seq(12345) == 1 })
	other := openNode(t, vfs.NewMem(), engine.DurableOne, n)
	converge(t, n, other) // and passed on
}

// TestI6Floods: a peer that asks for everything and reads nothing costs a window.
func TestI6Floods(t *testing.T) {
	n := openNode(t, vfs.NewMem(), engine.DurableOne)
	ann := n.user("ann")
	room := n.room(ann, "hall")
	i := newInsider(t, n)
	i.hello()
	for range 2000 {
		i.send(encodeFrame(frameWant, want{Origin: n.cluster.origin}))
	}
	for o := range engine.Origin(5000) {
		i.send(encodeFrame(frameWant, want{Origin: o + 1}))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, body := range many("m", 500) {
		n.post(ann, room, body)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("I6: %d bytes for a peer that does not read", grown)
	}
	for _, l := range n.cluster.allLinks() {
		l.mu.Lock()
		if wants := len(l.snd.wants); wants > maxSeats {
			t.Errorf("I6: %d wants", wants)
		}
		l.mu.Unlock()
	}
}
