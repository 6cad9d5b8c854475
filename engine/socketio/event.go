package socketio

import (
	"encoding/json"
	"slices"
	"sync/atomic"
)

// Event is what a client emitted. Its arguments are the listener's to keep.
type Event struct {
	Args
	Name string

	socket *Socket
	id     int64
	acked  atomic.Bool
}

// Socket is whom it came from.
func (e *Event) Socket() *Socket { return e.socket }

// WantsAck reports whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != NoID && !e.acked.Load() }

// Ack sends the acknowledgement, once; then, and where the client waits for
// none, it returns ErrUnanswered.
func (e *Event) Ack(args ...any) error {
	if e.id == NoID {
		return ErrUnanswered
	}
	frame, err := e.socket.conn.server.encodeAck(e.socket.namespace.name, e.id, args)
	if err != nil {
		return err
	}
	if !e.acked.CompareAndSwap(false, true) {
		return ErrUnanswered
	}
	return e.socket.deliver(frame)
}

// newEvent copies a packet.
func newEvent(s *Socket, p *Packet) *Event {
	data := slices.Clone(p.Data)
	all := elements(data)
	name, _ := eventName(all[0]) // was checked
	return &Event{Name: name, socket: s, id: p.ID, Args: Args{raw: all[1:], attachments: p.Attachments}}
}

// copyArgs copies what is valid only for now. Attachments were copied when they came.
func copyArgs(raw []json.RawMessage, attachments [][]byte) *Args {
	for i := range raw {
		raw[i] = slices.Clone(raw[i])
	}
	return &Args{raw: raw, attachments: attachments}
}
