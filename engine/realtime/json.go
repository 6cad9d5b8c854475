package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/klatch-chat/klatch/engine/socket"
)

// jsonWire is klatch.v1.json.
type jsonWire struct{ deflated bool }

func (jsonWire) binary() bool { return false }

// jsonBuffer is an encoder and what it writes into: the frame is a copy of the
// right size, so the buffer is used again.
type jsonBuffer struct {
	bytes.Buffer
	*json.Encoder
}

var jsonBuffers = sync.Pool{New: func() any {
	b := &jsonBuffer{}
	b.Encoder = json.NewEncoder(&b.Buffer)
	b.SetEscapeHTML(false) // frames are not pages; "<" stays one byte
	return b
}}

// maxPooled keeps a huge page of history from staying in the pool.
const maxPooled = 64 << 10

// encode returns a value's JSON, valid until free.
func (b *jsonBuffer) encode(v any) []byte {
	b.Reset()
	if err := b.Encoder.Encode(v); err != nil {
		b.Reset()
		must(v, b.Encoder.Encode(unwritable))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (b *jsonBuffer) free() {
	if b.Cap() <= maxPooled {
		jsonBuffers.Put(b)
	}
}

// Encode implements engine.Wire.
func (w jsonWire) Encode(notice any) []byte {
	b := jsonBuffers.Get().(*jsonBuffer)
	defer b.free()
	return w.frame(b.encode(notice))
}

func (w jsonWire) frame(payload []byte) []byte {
	if w.deflated {
		return socket.DeflatedTextFrame(payload)
	}
	return socket.TextFrame(payload)
}

func (jsonWire) decode(data []byte, f *frame) error {
	err := json.Unmarshal(data, f)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		field, _, _ := strings.Cut(wrong.Field, ".")
		if field == "ref" {
			f.Ref = nil // the decoder left a 0, which would be another frame's
		}
		return wrongType(field)
	case err != nil || f.Type == "" && !isObject(data): // null decodes into anything
		return malformed(err)
	}
	return nil
}

func isObject(data []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) }

func (jsonWire) value(raw rawData) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, badData()
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, badData()
	}
	return plain(v, 0)
}

// plain turns the numbers of JSON into Go's, and holds data to its bounds.
func plain(v any, depth int) (_ any, err error) {
	if depth > dataDepth {
		return nil, badData()
	}
	switch v := v.(type) {
	case json.Number:
		return plainNumber(v)
	case []any:
		if len(v) > dataElements {
			return nil, badData()
		}
		for i := range v {
			if v[i], err = plain(v[i], depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if len(v) > dataElements {
			return nil, badData()
		}
		for k := range v {
			if v[k], err = plain(v[k], depth+1); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func plainNumber(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, badData()
	}
	return f, nil
}
