package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// kept is an answer as the cache holds it: immutable but for its coded forms,
// which are made when they are first asked for. Its fields are ready to be put
// into a header as they are.
type kept struct {
	key    string
	digest string // of the plain body
	plain  form
	coded  [len(jsonCodings)]atomic.Pointer[form]
	links  []string
	stored time.Time
	prev   engine.ID
	marks  []engine.Mark
	except []engine.ID
	single bool
}

// form is a body in one content coding.
type form struct {
	coding []string // nil: as it is
	body   []byte
	length []string
}

// jsonCodings are what answers are coded in, the server's favourite first.
var jsonCodings = [...]string{"zstd", "gzip"}

// plainly is not one of them.
const plainly = -1

// codingFloor is from how many bytes a body is worth coding: below it an answer
// takes one packet anyway.
const codingFloor = 1 << 10

func newKept(key string, rd reading, now time.Time) *kept {
	k := &kept{key: key, stored: now, prev: rd.prev, marks: rd.marks, except: rd.except, single: rd.single}
	if rd.raw == nil {
		rd.raw = encode(rd.body)
	}
	if rd.links != "" {
		k.links = []string{rd.links}
	}
	k.plain = form{body: rd.raw, length: []string{strconv.Itoa(len(rd.raw))}}
	k.digest = digest(rd.raw)
	return k
}

// encode makes JSON of our own structs: an error is a mistake of ours.
func encode(body any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// digest is what strong validators are made of.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// isFor reports whether a shared answer is that of a user too.
func (k *kept) isFor(user engine.ID) bool {
	if k.single {
		return false
	}
	_, excepted := slices.BinarySearchFunc(k.except, user, engine.ID.Compare)
	return !excepted
}

// choose returns the coding for a client (RFC 9110, 12.5.3): its own favourite,
// ours among equals.
func (k *kept) choose(accept []string) int {
	if len(accept) == 0 || len(k.plain.body) < codingFloor {
		return plainly
	}
	fields := strings.Join(accept, ",")
	best, most := plainly, max(weight(fields, identity), unnamed)
	for i, coding := range jsonCodings {
		if q := weight(fields, coding); q > most || q == most && best == plainly && q > unnamed {
			best, most = i, q
		}
	}
	return best
}

// etag is the validator of the answer in a coding. A strong one is of one
// representation: the coding is part of it.
func (k *kept) etag(coding int) string {
	if coding == plainly {
		return `"` + k.digest + `"`
	}
	return `"` + k.digest + "." + jsonCodings[coding] + `"`
}

// in returns the answer in a coding. Two who ask first make it twice.
func (k *kept) in(coding int) *form {
	if coding == plainly {
		return &k.plain
	}
	if f := k.coded[coding].Load(); f != nil {
		return f
	}
	body := pack(jsonCodings[coding], k.plain.body)
	f := &form{coding: []string{jsonCodings[coding]}, body: body, length: []string{strconv.Itoa(len(body))}}
	k.coded[coding].Store(f)
	return f
}

// cost is what an answer takes in memory, about, with one coded form.
func (k *kept) cost() int64 {
	return int64(keptOverhead + len(k.key) + len(k.plain.body)*4/3 + len(k.marks)*16 + len(k.except)*16)
}

const keptOverhead = 1 << 10
