package portable

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine"
)

// The names that every event may have, beside the fields of its kind.
const (
	nameOrigin   = "origin"
	nameSeq      = "seq"
	nameID       = "id"
	nameAt       = "at"
	nameKind     = "kind"
	nameRoom     = "room"
	nameUser     = "user"
	nameWithheld = "withheld" // the fields that stay behind
	nameExtra    = "extra"    // fields of a later version, by number
	nameData     = "data"     // the whole content, where it has no readable form
)

// unknownPrefix and a number stand for a kind that this version does not know.
const unknownPrefix = "kind_"

// emptyMap is CBOR's: content that says nothing.
var emptyMap = []byte{majorMap << 5}

// clock writes times. Most lines are of the second of the line before.
type clock struct {
	second engine.Time
	text   []byte // up to the milliseconds
}

const (
	aSecond    = 1000
	timeLayout = "2006-01-02T15:04:05."
)

func (c *clock) append(dst []byte, t engine.Time) []byte {
	second, ms := t/aSecond, t%aSecond
	if c.text == nil || second != c.second {
		c.second, c.text = second, t.Std().AppendFormat(c.text[:0], timeLayout)
	}
	dst = append(append(dst, '"'), c.text...)
	return append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"')
}

// appendEvent appends the line of an event, with its newline. It tells whether the content of
// a known kind had a readable form.
func (c *clock) appendEvent(dst []byte, e *engine.Event, fate Fate) (line []byte, readable bool) {
	id := e.ID()
	dst = appendOrigin(append(dst, `{"origin":`...), e.Origin)
	dst = strconv.AppendUint(append(dst, `,"seq":`...), e.Seq, 10)
	dst = appendID(append(dst, `,"id":`...), id)
	dst = c.append(append(dst, `,"at":`...), id.Time())
	dst = append(dst, `,"kind":"`...)
	k := byNumber[e.Kind]
	if k == nil {
		dst = strconv.AppendUint(append(dst, unknownPrefix...), uint64(e.Kind), 10)
	} else {
		dst = append(dst, k.name...)
	}
	dst = append(dst, '"')
	if !e.Room.IsZero() {
		dst = appendID(append(dst, `,"room":`...), e.Room)
	}
	if !e.User.IsZero() {
		dst = appendID(append(dst, `,"user":`...), e.User)
	}
	dst, readable = appendContent(dst, k, e.Data, fate)
	return append(dst, '}', '\n'), readable
}

// appendContent appends the fields of a payload, if they can be read.
func appendContent(dst []byte, k *kind, data []byte, fate Fate) (line []byte, readable bool) {
	if k == nil {
		return appendRaw(dst, data), true
	}
	c := content{dst: dst, fate: fate}
	if c.fields(k.fields, items{b: data}) {
		return c.end(), true
	}
	if k.touches(fate) { // what cannot be read cannot be left out in part
		return append(appendRaw(dst, emptyMap), `,"withheld":["data"]`...), false
	}
	return appendRaw(dst, data), false
}

func appendRaw(dst, data []byte) []byte {
	return appendBytes(append(dst, `,"data":`...), data)
}

// content writes the fields of one payload.
type content struct {
	dst      []byte
	fate     Fate
	withheld []byte // names, as JSON writes them, with commas
	extra    []byte // members, likewise
}

// fields appends what a map holds, each field after a comma. It is false where
// that has no readable form.
func (c *content) fields(fields []field, r items) bool {
	n := r.count(majorMap)
	next := uint64(0)
	for ; n > 0 && r.err == nil; n-- {
		key := r.want(majorUint)
		if key < next {
			return false
		}
		next = key + 1
		if f := keyed(fields, key); f != nil {
			c.field(f, &r)
		} else {
			c.unnamed(key, r.one())
		}
	}
	return r.err == nil && len(r.b) == 0
}

func (c *content) field(f *field, r *items) {
	c.dst = append(append(append(c.dst, `,"`...), f.name...), `":`...)
	if f.left&c.fate == 0 {
		c.dst = appendValue(c.dst, f, r)
		return
	}
	value := r.one()
	if f.form == formText {
		c.dst = append(c.dst, `""`...)
		if len(value) > 0 && value[0] == majorText<<5 {
			return // there was nothing to leave out
		}
	} else {
		c.dst = c.dst[:len(c.dst)-len(f.name)-len(`,"":`)]
	}
	c.withheld = append(append(append(c.withheld, `,"`...), f.name...), '"')
}

func (c *content) unnamed(key uint64, value []byte) {
	c.extra = strconv.AppendUint(append(c.extra, `,"`...), key, 10)
	c.extra = appendBytes(append(c.extra, `":`...), value)
}

func (c *content) end() []byte {
	if len(c.extra) > 0 {
		c.dst = append(append(append(c.dst, `,"extra":{`...), c.extra[1:]...), '}')
	}
	if len(c.withheld) > 0 {
		c.dst = append(append(append(c.dst, `,"withheld":[`...), c.withheld[1:]...), ']')
	}
	return c.dst
}

// appendValue appends the next item as a field's form has it.
func appendValue(dst []byte, f *field, r *items) []byte {
	switch f.form {
	case formText:
		return appendText(dst, r)
	case formFlag:
		return strconv.AppendBool(dst, r.flag())
	case formID:
		return appendNamed(dst, r)
	case formBytes:
		return appendBytes(dst, r.bytes(majorBytes))
	case formCount:
		return strconv.AppendUint(dst, r.want(majorUint), 10)
	case formTime:
		return appendMoment(dst, r)
	case formRole:
		return appendRole(dst, r)
	case formIDs:
		return appendList(dst, r, func(dst []byte) []byte { return appendNamed(dst, r) })
	case formItems:
		return appendList(dst, r, func(dst []byte) []byte { return appendItem(dst, f.items, r) })
	}
	r.fail()
	return dst
}

func appendList(dst []byte, r *items, one func(dst []byte) []byte) []byte {
	dst = append(dst, '[')
	for i := r.count(majorArray); i > 0 && r.err == nil; i-- {
		dst = append(one(dst), ',')
	}
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, ']')
}

// appendItem appends an object. A field of a later version inside it has no readable form.
func appendItem(dst []byte, fields []field, r *items) []byte {
	c := content{dst: append(dst, '{')}
	start := len(c.dst)
	if !c.fields(fields, items{b: r.one()}) || len(c.extra) > 0 {
		r.fail()
		return dst
	}
	if len(c.dst) > start {
		c.dst = append(c.dst[:start], c.dst[start+1:]...) // the first comma
	}
	return append(c.dst, '}')
}

func appendNamed(dst []byte, r *items) []byte {
	b := r.bytes(majorBytes)
	if len(b) != len(engine.ID{}) {
		r.fail()
		return dst
	}
	return appendID(dst, engine.ID(b))
}

// lastTime is the last millisecond that RFC 3339 can write.
const lastTime = 253_402_300_799_999

func appendMoment(dst []byte, r *items) []byte {
	n := r.want(majorUint)
	if n > lastTime {
		r.fail()
	}
	return appendTime(dst, engine.Time(n))
}

func appendRole(dst []byte, r *items) []byte {
	n := r.want(majorUint)
	if n > uint64(engine.RoleOwner) {
		r.fail()
		return dst
	}
	return append(append(append(dst, '"'), engine.Role(n).String()...), '"')
}

func appendOrigin(dst []byte, o engine.Origin) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[o>>shift&15])
	}
	return append(dst, '"')
}

// pairs are the digits of Crockford's base 32 for every ten bits.
var pairs = func() (t [1024][2]byte) {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for i := range t {
		t[i] = [2]byte{digits[i>>5], digits[i&31]}
	}
	return t
}()

// appendID writes what engine.ID.AppendText does, two digits at a time: ids are half
// of most lines.
func appendID(dst []byte, id engine.ID) []byte {
	if id.IsZero() {
		return append(dst, '"', '"')
	}
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	dst = append(dst, '"')
	for shift := 120; shift >= 70; shift -= 10 {
		p := &pairs[hi>>(shift-64)&1023]
		dst = append(dst, p[0], p[1])
	}
	p := &pairs[(hi<<4|lo>>60)&1023]
	dst = append(dst, p[0], p[1])
	for shift := 50; shift >= 0; shift -= 10 {
		p := &pairs[lo>>shift&1023]
		dst = append(dst, p[0], p[1])
	}
	return append(dst, '"')
}

func appendTime(dst []byte, t engine.Time) []byte { return new(clock).append(dst, t) }

func appendBytes(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}

// plain tells the characters that stand for themselves in a string (RFC 8259, section 7).
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// appendText appends a string, if it is UTF-8.
func appendText(dst []byte, r *items) []byte {
	b := r.bytes(majorText)
	dst = append(dst, '"')
	from := 0
	for i := plainWords(b); i < len(b); i++ {
		c := b[i]
		switch {
		case c >= utf8.RuneSelf:
			if !utf8.Valid(b[i:]) {
				r.fail()
				return dst
			}
			return append(appendEscaped(append(dst, b[from:i]...), b[i:]), '"')
		case !plain[c]:
			dst = appendEscape(append(dst, b[from:i]...), c)
			from = i + 1
		}
	}
	return append(append(dst, b[from:]...), '"')
}

// appendEscaped appends UTF-8.
func appendEscaped(dst, b []byte) []byte {
	from := 0
	for i, c := range b {
		if !plain[c] {
			dst = appendEscape(append(dst, b[from:i]...), c)
			from = i + 1
		}
	}
	return append(dst, b[from:]...)
}

// plainWords is how many bytes at the beginning of b are plain ASCII for sure:
// it looks at eight at a time.
func plainWords(b []byte) (n int) {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(b)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		quote, slash := w^('"'*ones), w^('\\'*ones)
		if (w|(w-' '*ones)|(quote-ones)|(slash-ones))&high != 0 {
			break
		}
	}
	return n
}

func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
