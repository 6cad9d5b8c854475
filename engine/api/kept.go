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
	plain  form
	forms  [len(jsonCodings)]atomic.Pointer[form]
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
	etag   []string
}

// jsonCodings are what answers are coded in, the server's favourite first.
var jsonCodings = [...]string{"zstd", "gzip"}

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
	k.plain = form{body: rd.raw, length: []string{strconv.Itoa(len(rd.raw))}, etag: []string{`"` + digest(rd.raw) + `"`}}
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

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// isFor reports whether a shared answer is that of a user too.
func (k *kept) isFor(user engine.ID) bool {
	if k.single {
		return false
	}
	_, excepted := slices.BinarySearchFunc(k.except, user, compareID)
	return !excepted
}

func compareID(a, b engine.ID) int { return bytes.Compare(a[:], b[:]) }

// choose returns the form for a client (RFC 9110, 12.5.3): its own favourite,
// ours among equals.
func (k *kept) choose(accept []string) *form {
	if len(accept) == 0 || len(k.plain.body) < codingFloor {
		return &k.plain
	}
	fields := strings.Join(accept, ",")
	best, most := -1, max(weight(fields, identity), unnamed)
	for i, coding := range jsonCodings {
		if q := weight(fields, coding); q > most || q == most && best < 0 && q > unnamed {
			best, most = i, q
		}
	}
	if best < 0 {
		return &k.plain
	}
	return k.coded(best)
}

// coded returns the answer in a coding. Two who ask first make it twice.
func (k *kept) coded(i int) *form {
	if f := k.forms[i].Load(); f != nil {
		return f
	}
	name := jsonCodings[i]
	body := pack(name, k.plain.body)
	// A strong validator is of one representation: its coding is part of it.
	etag := strings.TrimSuffix(k.plain.etag[0], `"`) + "." + name + `"`
	f := &form{coding: []string{name}, body: body, length: []string{strconv.Itoa(len(body))}, etag: []string{etag}}
	k.forms[i].Store(f)
	return f
}

// cost is what an answer takes in memory, about, with one coded form.
func (k *kept) cost() int64 {
	return int64(keptOverhead + len(k.key) + len(k.plain.body)*4/3 + len(k.marks)*16 + len(k.except)*16)
}

const keptOverhead = 1 << 10
