package portable

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/klatch-chat/klatch/engine"
)

// draft is an event as its line's members come.
type draft struct {
	event engine.Event
	id    engine.ID
	at    string
	kind  *kind // nil: unknown
	said  map[string]bool
	parts []part
	data  []byte
}

// part is one field of the content, as CBOR.
type part struct {
	key   uint64
	value []byte
}

// parseEvent reads an event's line. Its Data is new; the Payload is nil.
func parseEvent(list []member) (*engine.Event, error) {
	d := draft{said: make(map[string]bool, len(list))}
	for i := range list {
		d.said[list[i].name] = true
		if err := d.take(&list[i]); err != nil {
			return nil, err
		}
	}
	if err := d.whole(); err != nil {
		return nil, err
	}
	for i := range list {
		if err := d.fill(&list[i]); err != nil {
			return nil, err
		}
	}
	return d.finish()
}

// take reads a member that any event may have.
func (d *draft) take(m *member) (err error) {
	switch m.name {
	case nameOrigin:
		var text string
		if text, err = m.text(); err == nil {
			d.event.Origin, err = engine.ParseOrigin(text)
			if err != nil || len(text) != 16 || strings.ToLower(text) != text || d.event.Origin == 0 {
				err = wrong(m.name, "%q is not the id of a node", text)
			}
		}
	case nameSeq:
		d.event.Seq, err = m.count()
		if err == nil && d.event.Seq == 0 {
			err = wrong(m.name, "it begins with 1")
		}
	case nameID:
		d.id, err = m.id()
	case nameAt:
		d.at, err = m.text()
	case nameKind:
		err = d.takeKind(m)
	case nameRoom:
		d.event.Room, err = m.id()
	}
	return err
}

func (d *draft) takeKind(m *member) error {
	name, err := m.text()
	if err != nil {
		return err
	}
	if d.kind = byName[name]; d.kind != nil {
		d.event.Kind = d.kind.number
		return nil
	}
	digits, ok := strings.CutPrefix(name, unknownPrefix)
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || strconv.FormatUint(n, 10) != digits {
		return wrong(nameKind, "there is no %q: a later version of klatch may know it", name)
	}
	d.event.Kind = engine.Kind(n)
	return nil
}

// whole tells whether the line has what every event has, and whether that agrees.
func (d *draft) whole() error {
	for _, name := range []string{nameOrigin, nameSeq, nameID, nameAt, nameKind} {
		if !d.said[name] {
			return wrong(name, "it is missing")
		}
	}
	d.event.Stamp = d.id.Stamp()
	if d.id.Origin() != d.event.Origin || d.event.Stamp == 0 {
		return wrong(nameID, "it is not of this origin")
	}
	if at := string(appendTime(nil, d.id.Time())); at != `"`+d.at+`"` {
		return wrong(nameAt, "the id says %s", at)
	}
	return nil
}

// fill reads a member that belongs to the content.
func (d *draft) fill(m *member) (err error) {
	switch m.name {
	case nameOrigin, nameSeq, nameID, nameAt, nameKind, nameRoom:
		return nil
	case nameUser:
		d.event.User, err = m.id()
		return err
	case nameData:
		d.data, err = m.bytes()
		return err
	case nameWithheld:
		return d.takeWithheld(m)
	}
	if d.kind == nil {
		return wrong(m.name, "there is no such field of a kind that is not known")
	}
	if m.name == nameExtra {
		return d.takeExtra(m)
	}
	f := named(d.kind.fields, m.name)
	if f == nil {
		return wrong(m.name, "there is no such field of %s", d.kind.name)
	}
	value, err := appendItemOf(nil, f, m)
	d.parts = append(d.parts, part{f.key, value})
	return err
}

func (d *draft) takeWithheld(m *member) error {
	if m.value.Kind() != '[' {
		return m.not('[')
	}
	return values(m.value, func(v jsontext.Value) error {
		if v.Kind() != '"' {
			return (&member{m.name, v}).not('"')
		}
		name := string(unquoted(v))
		if name != nameData && (d.kind == nil || named(d.kind.fields, name) == nil) {
			return wrong(m.name, "there is no field %q to withhold", name)
		}
		return nil
	})
}

func (d *draft) takeExtra(m *member) error {
	if m.value.Kind() != '{' {
		return m.not('{')
	}
	list, err := members(m.value)
	if err != nil {
		return err
	}
	for i := range list {
		key, err := strconv.ParseUint(list[i].name, 10, 64)
		if err != nil || strconv.FormatUint(key, 10) != list[i].name || keyed(d.kind.fields, key) != nil {
			return wrong(m.name, "%q is not the number of a field that a later version has", list[i].name)
		}
		value, err := list[i].bytes()
		if err != nil {
			return err
		}
		r := items{b: value}
		if r.skip(1); r.err != nil || len(r.b) > 0 {
			return wrong(m.name, "%s: it is not one item of CBOR", list[i].name)
		}
		d.parts = append(d.parts, part{key, value})
	}
	return nil
}

// finish puts the content together.
func (d *draft) finish() (*engine.Event, error) {
	switch {
	case d.said[nameData] && len(d.parts) > 0:
		return nil, wrong(nameData, "it stands beside fields of its content")
	case d.said[nameData]:
		d.event.Data = d.data
	case d.kind == nil:
		return nil, wrong(nameData, "it is missing")
	default:
		d.event.Data = appendParts(nil, d.parts)
	}
	return &d.event, nil
}

// appendParts writes a map with its keys in order.
func appendParts(dst []byte, parts []part) []byte {
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.key, b.key) })
	dst = appendHead(dst, majorMap, uint64(len(parts)))
	for i := range parts {
		dst = append(appendHead(dst, majorUint, parts[i].key), parts[i].value...)
	}
	return dst
}
