package realtime

import (
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio"
)

var _ engine.StampedWire = socketIOWire{}

// socketIOWire makes of a notice the event of its type. The cursor is its last
// argument: what client libraries take for the offset of connection state recovery.
type socketIOWire struct{}

// Encode implements engine.Wire.
func (w socketIOWire) Encode(notice any) []byte {
	switch n := notice.(type) {
	case *engine.Ready:
		return w.EncodeAt(notice, n.Cursor)
	case *engine.Checkpoint:
		return w.EncodeAt(notice, n.Cursor)
	case *engine.SignalNotice:
		if data, attachments := detach(n.Data); len(attachments) > 0 {
			bare := *n
			bare.Data = data
			return w.event(&bare, "", attachments)
		}
	}
	return w.event(notice, "", nil)
}

// EncodeAt implements engine.StampedWire.
func (w socketIOWire) EncodeAt(notice any, cursor string) []byte { return w.event(notice, cursor, nil) }

func (w socketIOWire) event(notice any, cursor string, attachments [][]byte) []byte {
	b := jsonBuffers.Get().(*jsonBuffer)
	defer b.free()
	object := b.encode(notice)
	name, _ := cutType(object)
	begin := b.Len() // the array goes behind the object, so that only the frame is garbage some day
	b.WriteString(`["` + name + `",`)
	b.Write(object)
	if cursor != "" { // base64url: nothing to escape
		b.WriteString(`,"` + cursor + `"`)
	}
	b.WriteByte(']')
	return socketio.EventFrame("/", socketio.NoID, b.Bytes()[begin:], attachments)
}

// maxAttachments is how many clients take in one packet.
const maxAttachments = 10

// placeholderKey marks the object that stands for an attachment.
const placeholderKey = "_placeholder"

type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// detach returns data with placeholders for its byte strings, and these. Where
// clients would not take them there are none, and the bytes stay what JSON makes
// of them: where there are too many, or where the sender has put in an object
// that looks like a placeholder, at which every client in the room would stumble.
func detach(data any) (any, [][]byte) {
	d := &detacher{}
	bare := d.walk(data)
	if d.forged || len(d.attachments) > maxAttachments {
		return data, nil
	}
	return bare, d.attachments
}

type detacher struct {
	attachments [][]byte
	forged      bool
}

// walk copies what it changes: data is shared with other formats.
func (d *detacher) walk(v any) any {
	switch v := v.(type) {
	case []byte:
		d.attachments = append(d.attachments, v)
		return placeholder{true, len(d.attachments) - 1}
	case []any:
		bare := make([]any, len(v))
		for i := range v {
			bare[i] = d.walk(v[i])
		}
		return bare
	case map[string]any:
		bare := make(map[string]any, len(v))
		for k := range v {
			d.forged = d.forged || k == placeholderKey
			bare[k] = d.walk(v[k])
		}
		return bare
	}
	return v
}
