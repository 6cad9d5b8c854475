package client

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/fxamacker/cbor/v2"
	"github.com/lxzan/gws"
)

// codec writes and reads the frames of one format.
type codec struct {
	opcode    gws.Opcode
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
	typeOf    func([]byte) (string, bool) // the type of a frame that starts with it
}

var codecs = map[Format]*codec{
	JSON: {gws.OpcodeText, json.Marshal, json.Unmarshal, jsonType},
	CBOR: {gws.OpcodeBinary, cborEncoding.Marshal, cborDecoding.Unmarshal, cborType},
}

func codecOf(f Format) *codec { return codecs[f] }

var cborEncoding = must(cbor.EncOptions{
	OmitEmpty:     cbor.OmitEmptyGoValue,
	TextMarshaler: cbor.TextMarshalerTextString,
}.EncMode())

var cborDecoding = must(cbor.DecOptions{
	MaxNestedLevels: 64, // what the server sends is the server's business, within reason
	DefaultMapType:  reflect.TypeFor[map[string]any](),
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of constants
	}
	return v
}

// frameType tells what a frame is. Servers send the type first, so that mostly
// nothing has to be decoded for it.
func (c *codec) frameType(data []byte) (string, error) {
	if t, ok := c.typeOf(data); ok {
		return t, nil
	}
	var f struct {
		Type string `json:"type"`
	}
	err := c.unmarshal(data, &f)
	return f.Type, err
}

var jsonStart = []byte(`{"type":"`)

func jsonType(data []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(data, jsonStart)
	if !ok {
		return "", false
	}
	t, _, ok := bytes.Cut(rest, []byte(`"`))
	return string(t), ok && !bytes.ContainsRune(t, '\\')
}

var cborStart = []byte("\x64type")

// cborType reads a map of up to 255 pairs whose first key is "type" and whose
// first value a text of up to 23 bytes.
func cborType(data []byte) (string, bool) {
	switch {
	case len(data) > 0 && data[0] >= 0xA1 && data[0] <= 0xB7:
		data = data[1:]
	case len(data) > 1 && data[0] == 0xB8:
		data = data[2:]
	default:
		return "", false
	}
	rest, ok := bytes.CutPrefix(data, cborStart)
	if !ok || len(rest) == 0 || rest[0] < 0x60 || rest[0] > 0x77 {
		return "", false
	}
	n := int(rest[0] - 0x60)
	if len(rest) < 1+n {
		return "", false
	}
	return string(rest[1 : 1+n]), true
}
