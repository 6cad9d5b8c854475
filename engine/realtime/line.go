package realtime

import (
	"bytes"
	"strconv"
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio"
)

var _ link = (*line)(nil)

// line is the link of a caller.
type line struct {
	*socketio.Socket
	do     func(func()) // in another goroutine
	closed atomic.Bool
	way    atomic.Pointer[socket.Conn] // for Send, once it is known

	attachments [][]byte // of the packet that is being handled, by the goroutine that does
}

// Send implements engine.Conn. Fan-out spends its time here: nothing but the line
// and the connection is touched once the way is known.
func (l *line) Send(frame []byte) {
	switch way := l.way.Load(); {
	case l.closed.Load():
	case way != nil:
		way.Send(frame)
	default:
		l.Socket.Send(frame)
		l.way.Store(l.Way())
	}
}

// Close implements engine.Conn. A client whose transport is closed comes back;
// one that is disconnected does not, and cannot see a code.
func (l *line) Close(code engine.CloseCode, reason string) {
	if code == engine.CloseReplaced { // of the other two it has been told
		l.tell(nil, &errorFrame{Type: typeError, Code: engine.CodeUnauthorized, Message: reason})
	}
	if !l.closed.CompareAndSwap(false, true) {
		return
	}
	switch code {
	case engine.CloseUnauthorized, engine.CloseProtocolError, engine.CloseReplaced:
		l.do(func() { l.Disconnect(true) }) // it tells the receiver, and we may hold the hub's lock
	default:
		l.Socket.Close(code, reason)
	}
}

// tell implements link.
func (l *line) tell(ref *int64, answer any) {
	if frame := answerFrame(ref, answer); frame != nil {
		l.Send(frame)
	}
}

// answerFrame is the acknowledgement that the client waits for, if it does: the
// answer's fields, with ok. Otherwise only errors and pong are worth an event.
func answerFrame(ref *int64, answer any) []byte {
	b := jsonBuffers.Get().(*jsonBuffer)
	defer b.free()
	_, failed := answer.(*errorFrame)
	_, pong := answer.(*pongFrame)
	body := fieldsOf(b.encode(answer), ref)
	switch {
	case failed && ref == nil:
		return socketio.EventFrame("/", socketio.NoID, join(`["error",{`, body, `]`), nil)
	case failed:
		return socketio.AckFrame("/", *ref, join(`[{"ok":false,"error":{`, body, `}]`), nil)
	case ref == nil && pong:
		return socketio.EventFrame("/", socketio.NoID, []byte(`["pong",{}]`), nil)
	case ref == nil:
		return nil
	case len(body) == 1: // a bracket
		return socketio.AckFrame("/", *ref, []byte(`[{"ok":true}]`), nil)
	}
	return socketio.AckFrame("/", *ref, join(`[{"ok":true,`, body, `]`), nil)
}

// fieldsOf cuts type and ref, with which every answer begins, and what opens the object.
func fieldsOf(object []byte, ref *int64) []byte {
	_, rest := cutType(object)
	if ref != nil {
		rest = bytes.TrimPrefix(rest, strconv.AppendInt([]byte(`,"ref":`), *ref, 10))
	}
	return bytes.TrimPrefix(rest, []byte{','})
}

// cutType takes the type off a notice or an answer, whose first field it is.
func cutType(object []byte) (name string, rest []byte) {
	begin := len(`{"type":"`)
	end := begin + bytes.IndexByte(object[begin:], '"')
	return string(object[begin:end]), object[end+1:]
}

func join(before string, body []byte, after string) []byte {
	all := make([]byte, 0, len(before)+len(body)+len(after))
	return append(append(append(all, before...), body...), after...)
}
