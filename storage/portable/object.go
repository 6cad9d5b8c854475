package portable

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// member is one name and value of an object.
type member struct {
	name  string
	value jsontext.Value // in the line
}

// maxMembers is more than any event has.
const maxMembers = 64

// members takes an object apart. A name that stands twice is an error.
func members(object []byte) (list []member, err error) {
	r := reader(object)
	if err := r.open('{'); err != nil {
		return nil, err
	}
	for r.dec.PeekKind() != '}' {
		if len(list) == maxMembers {
			return nil, fmt.Errorf("an object of more than %d members", maxMembers)
		}
		name, err := r.value()
		if err != nil {
			return nil, err
		}
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, member{string(unquoted(name)), value})
	}
	return list, r.close()
}

// values takes an array apart.
func values(array []byte, one func(v jsontext.Value) error) error {
	r := reader(array)
	if err := r.open('['); err != nil {
		return err
	}
	for r.dec.PeekKind() != ']' {
		v, err := r.value()
		if err != nil {
			return err
		}
		if err := one(v); err != nil {
			return err
		}
	}
	return r.close()
}

// jsonReader reads one object or array, strictly.
type jsonReader struct {
	b   []byte
	dec *jsontext.Decoder
}

func reader(b []byte) *jsonReader {
	return &jsonReader{b: b, dec: jsontext.NewDecoder(&byteReader{b})}
}

// byteReader hands out bytes as they are asked for.
type byteReader struct{ b []byte }

func (r *byteReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

func (r *jsonReader) open(want jsontext.Kind) error {
	t, err := r.dec.ReadToken()
	if err == nil && t.Kind() != want {
		err = fmt.Errorf("%s where %s should be", describe(t.Kind()), describe(want))
	}
	return asJSON(err)
}

// value returns the next value, as it stands in b.
func (r *jsonReader) value() (jsontext.Value, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, asJSON(err)
	}
	end := r.dec.InputOffset()
	return jsontext.Value(r.b[end-int64(len(v)) : end]), nil
}

// close takes the end of the object or array, and nothing may follow it.
func (r *jsonReader) close() error {
	if _, err := r.dec.ReadToken(); err != nil {
		return asJSON(err)
	}
	switch _, err := r.dec.ReadToken(); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("more than one value")
	default:
		return asJSON(err)
	}
}

// asJSON words an error of the JSON library, which knows what is wrong and where in the line.
func asJSON(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read JSON: %v", err) // never io.EOF, which is the file's end
}

func describe(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "something else"
}

// unquoted is the text of a string that has been read without an error.
func unquoted(v jsontext.Value) []byte {
	b, _ := jsontext.AppendUnquote(nil, v)
	return b
}
