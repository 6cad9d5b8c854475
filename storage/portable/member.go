package portable

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/klatch-chat/klatch/engine"
)

// appendItemOf appends a member as the item of CBOR that its field is.
func appendItemOf(dst []byte, f *field, m *member) ([]byte, error) {
	switch f.form {
	case formText:
		text, err := m.text()
		return append(appendHead(dst, majorText, uint64(len(text))), text...), err
	case formFlag:
		return m.appendFlag(dst)
	case formID:
		id, err := m.id()
		return appendIDItem(dst, id), err
	case formBytes:
		b, err := m.bytes()
		return append(appendHead(dst, majorBytes, uint64(len(b))), b...), err
	case formCount:
		n, err := m.count()
		return appendHead(dst, majorUint, n), err
	case formTime:
		t, err := m.time()
		return appendHead(dst, majorUint, uint64(t)), err
	case formRole:
		role, err := m.role()
		return appendHead(dst, majorUint, uint64(role)), err
	case formIDs:
		return m.appendList(dst, func(dst []byte, one *member) ([]byte, error) {
			id, err := one.id()
			return appendIDItem(dst, id), err
		})
	}
	return m.appendList(dst, func(dst []byte, one *member) ([]byte, error) { return one.appendObject(dst, f.items) })
}

func appendIDItem(dst []byte, id engine.ID) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(id))), id[:]...)
}

func (m *member) appendFlag(dst []byte) ([]byte, error) {
	switch m.value.Kind() {
	case 't':
		return append(dst, cborTrue), nil
	case 'f':
		return append(dst, cborFalse), nil
	}
	return dst, m.not('t')
}

func (m *member) appendList(dst []byte, one func(dst []byte, v *member) ([]byte, error)) ([]byte, error) {
	if m.value.Kind() != '[' {
		return dst, m.not('[')
	}
	var list []byte
	n := uint64(0)
	err := values(m.value, func(v jsontext.Value) (err error) {
		n++
		list, err = one(list, &member{m.name, v})
		return err
	})
	return append(appendHead(dst, majorArray, n), list...), err
}

func (m *member) appendObject(dst []byte, fields []field) ([]byte, error) {
	if m.value.Kind() != '{' {
		return dst, m.not('{')
	}
	list, err := members(m.value)
	if err != nil {
		return dst, err
	}
	var parts []part
	for i := range list {
		f := named(fields, list[i].name)
		if f == nil {
			return dst, wrong(m.name, "%s: there is no such field", list[i].name)
		}
		value, err := appendItemOf(nil, f, &list[i])
		if err != nil {
			return dst, wrong(m.name, "%v", err)
		}
		parts = append(parts, part{f.key, value})
	}
	return appendParts(dst, parts), nil
}

// not is the error of a value that is no such thing.
func (m *member) not(want jsontext.Kind) error {
	return wrong(m.name, "%s where %s should be", describe(m.value.Kind()), describe(want))
}

func (m *member) text() (string, error) {
	if m.value.Kind() != '"' {
		return "", m.not('"')
	}
	return string(unquoted(m.value)), nil
}

func (m *member) count() (uint64, error) {
	if m.value.Kind() != '0' {
		return 0, m.not('0')
	}
	n, err := strconv.ParseUint(string(m.value), 10, 64)
	if err != nil {
		return 0, wrong(m.name, "%s is not a whole number that is not negative", m.value)
	}
	return n, nil
}

func (m *member) id() (id engine.ID, err error) {
	text, err := m.text()
	if err != nil || text == "" {
		return id, err
	}
	if id, err = engine.ParseID(text); err != nil {
		return id, wrong(m.name, "%v", err)
	}
	return id, nil
}

func (m *member) bytes() ([]byte, error) {
	text, err := m.text()
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, wrong(m.name, "it is not base64")
	}
	return b, nil
}

func (m *member) time() (t engine.Time, err error) {
	text, err := m.text()
	if err != nil {
		return 0, err
	}
	if err := t.UnmarshalText([]byte(text)); err != nil || t < 0 || t > lastTime {
		return 0, wrong(m.name, "%q is not a time as 2026-01-31T12:00:00.000Z", text)
	}
	return t, nil
}

func (m *member) role() (role engine.Role, err error) {
	text, err := m.text()
	if err == nil && role.UnmarshalText([]byte(text)) != nil {
		err = wrong(m.name, "%q is not a role", text)
	}
	return role, err
}
