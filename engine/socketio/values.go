package socketio

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// encoder turns a program's arguments into a packet's JSON, the way
// encoding/json does, but for each []byte: that becomes an attachment.
type encoder struct {
	json        bytes.Buffer
	attachments [][]byte
	options     json.Options
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.options = json.JoinOptions(jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false),
		json.WithMarshalers(json.MarshalToFunc(e.attach)))
	return e
}}

func (e *encoder) attach(to *jsontext.Encoder, b []byte) error {
	if b == nil {
		return to.WriteToken(jsontext.Null)
	}
	e.attachments = append(e.attachments, b)
	return to.WriteValue(fmt.Appendf(nil, `{"_placeholder":true,"num":%d}`, len(e.attachments)-1))
}

// args writes a JSON array: the name, where there is one, and the arguments.
func (e *encoder) args(name *string, args []any) error {
	e.json.Reset()
	e.attachments = nil
	e.json.WriteByte('[')
	if name != nil {
		quoted, err := jsontext.AppendQuote(e.json.AvailableBuffer(), *name)
		if err != nil {
			return fmt.Errorf("write event name: %w", err)
		}
		e.json.Write(quoted)
	}
	for i, arg := range args {
		if i > 0 || name != nil {
			e.json.WriteByte(',')
		}
		if err := json.MarshalWrite(&e.json, arg, e.options); err != nil {
			return fmt.Errorf("encode argument %d: %w", i, err)
		}
	}
	e.json.WriteByte(']')
	return nil
}

// encodeEvent returns the frame of an event. Attachments are copied.
func (s *Server) encodeEvent(namespace string, id int64, name string, args []any) ([]byte, error) {
	if reserved(name) {
		return nil, fmt.Errorf("%w: %q", ErrReserved, name)
	}
	return s.encode(EventFrame, namespace, id, &name, args)
}

func (s *Server) encodeAck(namespace string, id int64, args []any) ([]byte, error) {
	return s.encode(AckFrame, namespace, id, nil, args)
}

type frameMaker func(namespace string, id int64, array []byte, attachments [][]byte) []byte

func (s *Server) encode(makeFrame frameMaker, namespace string, id int64, name *string, args []any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer e.free()
	if err := e.args(name, args); err != nil {
		return nil, err
	}
	if len(e.attachments) > s.config.MaxAttachments {
		return nil, fmt.Errorf("%w: %d", ErrTooManyAttachments, len(e.attachments))
	}
	return makeFrame(namespace, id, e.json.Bytes(), e.attachments), nil
}

func (e *encoder) free() {
	e.attachments = nil
	if e.json.Cap() <= maxPooled {
		encoders.Put(e)
	}
}

// Args are the arguments of an event, or of the answer to one.
type Args struct {
	raw         []stdjson.RawMessage
	attachments [][]byte
}

// Len is how many there are.
func (a *Args) Len() int { return len(a.raw) }

// Raw is the JSON of one, with placeholders where it has attachments.
func (a *Args) Raw(i int) stdjson.RawMessage { return a.raw[i] }

// Bind stores the arguments in what the pointers point to, as encoding/json
// does; attachments go into []byte, and into any as []byte, wherever they are. A
// nil pointer skips an argument, arguments past the pointers are ignored, and too
// few are ErrMissing.
func (a *Args) Bind(pointers ...any) error {
	options := a.options()
	for i, p := range pointers {
		if i >= len(a.raw) {
			return fmt.Errorf("%w: there are %d", ErrMissing, len(a.raw))
		}
		if p == nil {
			continue
		}
		if err := json.Unmarshal(a.raw[i], p, options); err != nil {
			return fmt.Errorf("decode argument %d: %w", i, err)
		}
	}
	return nil
}

// Values are the arguments as encoding/json makes them for an any.
func (a *Args) Values() ([]any, error) {
	values := make([]any, len(a.raw))
	pointers := make([]any, len(a.raw))
	for i := range values {
		pointers[i] = &values[i]
	}
	return values, a.Bind(pointers...)
}

var bindJSON = json.JoinOptions(jsonv1.DefaultOptionsV1())

func (a *Args) options() json.Options {
	if len(a.attachments) == 0 {
		return bindJSON
	}
	b := &binder{attachments: a.attachments}
	b.options = json.JoinOptions(bindJSON, json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(b.bytes), json.UnmarshalFromFunc(b.any))))
	return b.options
}

// binder puts attachments where their placeholders are.
type binder struct {
	attachments [][]byte
	options     json.Options
}

func (b *binder) bytes(from *jsontext.Decoder, to *[]byte) error {
	if from.PeekKind() != '{' {
		return json.SkipFunc
	}
	object, err := from.ReadValue()
	if err != nil {
		return err
	}
	a, is, err := b.attachment(object)
	if !is && err == nil {
		err = errors.New("an object is no binary data")
	}
	*to = a
	return err
}

func (b *binder) any(from *jsontext.Decoder, to *any) error {
	if from.PeekKind() != '{' {
		return json.SkipFunc
	}
	object, err := from.ReadValue()
	if err != nil {
		return err
	}
	a, is, err := b.attachment(object)
	switch {
	case err != nil:
		return err
	case is:
		*to = a
		return nil
	}
	m := map[string]any{}
	if err := json.Unmarshal(object, &m, b.options); err != nil {
		return err
	}
	*to = m
	return nil
}

func (b *binder) attachment(object []byte) (data []byte, is bool, err error) {
	num, is := placeholder(object)
	if is && (num < 0 || num >= len(b.attachments)) {
		return nil, true, errors.New("illegal attachments")
	}
	if !is {
		return nil, false, nil
	}
	return b.attachments[num], true, nil
}
