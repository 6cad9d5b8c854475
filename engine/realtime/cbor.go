package realtime

import (
	"errors"
	"reflect"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// cborWire is klatch.v1.cbor: the shapes of JSON as CBOR (RFC 8949), with text
// as keys, ids and times as text.
type cborWire struct{ deflated bool }

func (cborWire) binary() bool { return true }

var cborEncoding = must(cbor.EncOptions{
	OmitEmpty:     cbor.OmitEmptyGoValue, // as encoding/json has it
	TextMarshaler: cbor.TextMarshalerTextString,
}.EncMode())

var cborDecoding = must(cbor.DecOptions{
	DupMapKey:         cbor.DupMapKeyEnforcedAPF,
	MaxNestedLevels:   dataDepth + 2, // the frame itself, and a scalar in the innermost value
	MaxArrayElements:  dataElements,
	MaxMapPairs:       dataElements,
	TagsMd:            cbor.TagsForbidden,
	IntDec:            cbor.IntDecConvertSignedOrFail,
	DefaultMapType:    reflect.TypeFor[map[string]any](),
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	SimpleValues:      must(plainSimpleValues()),
	NaN:               cbor.NaNDecodeForbidden,
	Inf:               cbor.InfDecodeForbidden,
}.DecMode())

// plainSimpleValues leaves false, true, null and undefined: JSON has no others.
func plainSimpleValues() (*cbor.SimpleValueRegistry, error) {
	var others []func(*cbor.SimpleValueRegistry) error
	for v := range 256 {
		if v < 20 || v > 31 {
			others = append(others, cbor.WithRejectedSimpleValue(cbor.SimpleValue(v)))
		}
	}
	return cbor.NewSimpleValueRegistryFromDefaults(others...)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of constants
	}
	return v
}

// Encode implements engine.Wire.
func (w cborWire) Encode(notice any) []byte {
	payload, err := cborEncoding.Marshal(cborShape(notice))
	if err != nil {
		return w.Encode(unwritable)
	}
	if w.deflated {
		return socket.DeflatedBinaryFrame(payload)
	}
	return socket.BinaryFrame(payload)
}

// attachment is engine.Attachment without the integer keys that it has on disk.
type attachment struct {
	ID   engine.ID `json:"id"`
	Name string    `json:"name"`
	Size int64     `json:"size"`
	Type string    `json:"type"`
}

type message struct {
	engine.Message
	Files []attachment `json:"attachments,omitempty"`
}

type messageNotice struct {
	Type string `json:"type"`
	message
}

type cborHistoryAck struct {
	historyAck
	Items []message `json:"items"`
}

// cborShape gives attachments the keys that they have in JSON.
func cborShape(notice any) any {
	switch n := notice.(type) {
	case *engine.MessageNotice:
		if len(n.Files) > 0 {
			return &messageNotice{n.Type, cborMessage(n.Message)}
		}
	case *historyAck:
		ack := &cborHistoryAck{historyAck: *n, Items: make([]message, len(n.Items))}
		for i, m := range n.Items {
			ack.Items[i] = cborMessage(m)
		}
		return ack
	}
	return notice
}

func cborMessage(m engine.Message) message {
	files := make([]attachment, len(m.Files))
	for i, f := range m.Files {
		files[i] = attachment{f.ID, f.Name, f.Size, f.Type}
	}
	return message{m, files}
}

func (cborWire) decode(data []byte, f *frame) error {
	err := cborDecoding.Unmarshal(data, f)
	var wrong *cbor.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.StructFieldName != "":
		field := cborField(wrong.StructFieldName)
		if field == "ref" {
			f.Ref = nil
		}
		return wrongType(field)
	case err != nil || f.Type == "" && !isMap(data):
		return malformed(err)
	}
	return nil
}

// cborField turns "realtime.frame.reply_to" into the field's name.
func cborField(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

// isMap tells a map from null, which decodes into anything.
func isMap(data []byte) bool { return len(data) > 0 && data[0]>>5 == 5 }

func (cborWire) value(raw rawData) (v any, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if err := cborDecoding.Unmarshal(raw, &v); err != nil {
		return nil, badData()
	}
	return v, nil
}
