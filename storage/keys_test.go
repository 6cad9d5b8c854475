package storage

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// sampleKeys has keys of every kind.
func sampleKeys() [][]byte {
	a, b, c := engine.ID{1}, engine.ID{2, 0xFF}, engine.ID{0xFF, 0xFF}
	return [][]byte{
		textKey(kindReaction, "+1", a, b, c), idKey(kindLatest, a), idKey(kindSignIn, a, b), idKey(kindEarly, a, b), idKey(kindMemberReg, b, c),
		textKey(kindNonce, "n\x00", a), idKey(kindInvite, a), nameKey(spaceUser, "ann"), nameKey(spaceRoom, ""),
		logKey(1, 1), logKey(^engine.Origin(0), ^uint64(0)), messageKey(a, b, subPost), messageKey(c, c, subHidden),
		idKey(kindMention, a, b, c), originKey(kindNodeKey, 9), originKey(kindPosition, 9), adminsKey(),
		idKey(kindRoom, a), idKey(kindMembers, a), idKey(kindToken, a), idKey(kindUser, a), idKey(kindMarker, a, b),
		publicKey("lobby", a), publicKey("a\x00b", c), publicKey("", a), localKey("x"),
		idKey(kindRoomMember, a, b), idKey(kindUserRoom, a, b), idKey(kindReply, a, b, c),
		unknownKey(200, 9, 7), idKey(kindUserBan, a), textKey(kindNetBan, "203.0.113.0/24"), idKey(kindInvitation, a), idleAdminsKey(),
	}
}

// TestComparer runs Pebble's own checks of a comparer.
func TestComparer(t *testing.T) {
	var prefixes, suffixes [][]byte
	for _, k := range sampleKeys() {
		n := split(k)
		prefixes = append(prefixes, k[:n])
		if n < len(k) {
			suffixes = append(suffixes, k[n:])
		}
	}
	suffixes = append(suffixes, messageKey(engine.ID{}, engine.ID{}, subEdit)[roomPrefix:])
	// Pebble takes leading bytes away from these; as a first byte of the rest 18 is no length.
	if err := pebble.CheckComparer(comparer.EnsureDefaults(), prefixes[:14], suffixes); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	keys := sampleKeys()
	for range 20000 {
		a, b := keys[rng.IntN(len(keys))], keys[rng.IntN(len(keys))]
		if x, y := comparer.AbbreviatedKey(a), comparer.AbbreviatedKey(b); (x < y && compare(a, b) >= 0) || (x > y && compare(a, b) <= 0) {
			t.Fatalf("abbreviated keys of %x and %x are out of order", a, b)
		}
		if compare(a, b) != bytes.Compare(a, b) {
			t.Fatalf("keys of this store order as bytes: %x %x", a, b)
		}
	}
}

// TestKeys: every key comes apart as it was put together, within the bounds of its prefixes.
func TestKeys(t *testing.T) {
	for _, b := range sampleKeys() {
		k, err := parseKey(b)
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if got := k.build(); !bytes.Equal(got, b) {
			t.Fatalf("%x is built as %x", b, got)
		}
		for n := range len(b) {
			if b[0] == kindMessage && n > roomPrefix-1 {
				continue
			}
			lower, upper := bounds(b[:n])
			if compare(lower, b) > 0 || (upper != nil && compare(b, upper) >= 0) {
				t.Fatalf("%x is not within %x to %x", b, lower, upper)
			}
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, k := range sampleKeys() {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKey(b)
		if err != nil {
			return
		}
		if got := k.build(); !bytes.Equal(got, b) {
			t.Fatalf("%x is built as %x", b, got)
		}
		_ = k.String()
	})
}

// FuzzCompare holds what Pebble asks of a comparer, on any bytes.
func FuzzCompare(f *testing.F) {
	keys := sampleKeys()
	for i := range keys {
		f.Add(keys[i], keys[(i*7+1)%len(keys)], keys[(i*3+2)%len(keys)])
	}
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		if compare(a, b) != -compare(b, a) || (compare(a, b) == 0) != bytes.Equal(a, b) {
			t.Fatalf("%x %x", a, b)
		}
		l := [][]byte{a, b, c}
		slices.SortFunc(l, compare)
		if compare(l[0], l[1]) > 0 || compare(l[1], l[2]) > 0 || compare(l[0], l[2]) > 0 {
			t.Fatalf("not an order: %x", l)
		}
		if n := split(a); n > len(a) || (n < len(a) && compare(a[:n], a) >= 0) {
			t.Fatalf("prefix of %x", a)
		}
	})
}

func FuzzPayload(f *testing.F) {
	w := newWorld(1, 3, 200, 0)
	for _, e := range w.all {
		f.Add(byte(e.Kind), e.Data)
	}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		e := &engine.Event{Kind: engine.Kind(kind), Data: data}
		if decodePayload(e) != nil || e.Payload == nil {
			return
		}
		again := &engine.Event{Kind: e.Kind}
		var err error
		if again.Data, err = encMode.Marshal(e.Payload); err != nil {
			t.Fatal(err)
		}
		if err := decodePayload(again); err != nil {
			t.Fatal(err)
		}
		if b, _ := encMode.Marshal(again.Payload); !bytes.Equal(b, again.Data) {
			t.Fatalf("%x encodes as %x", again.Data, b)
		}
	})
}

func FuzzRecords(f *testing.F) {
	id := engine.ID{1}
	user := must(encMode.Marshal(&userRecord{Created: id, Username: register[string]{Version: id, Value: "u"}}))
	for _, b := range [][]byte{user, must(encMode.Marshal(&roomRecord{Created: id})), {}, id[:], appendCount(nil, 5)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzRecord(t, b, new(userRecord), new(userRecord))
		fuzzRecord(t, b, new(roomRecord), new(roomRecord))
		if m, err := parseMember(b); err == nil && len(b) > 0 && !bytes.Equal(m.encode(), b) {
			t.Fatalf("member %x", b)
		}
		if r, err := parseReaction(b); err == nil && len(b) > 0 && !bytes.Equal(r.encode(), b) {
			t.Fatalf("reaction %x", b)
		}
		_, _ = parseCount(b)
		_, _ = parseRole(b)
		_, _ = parseID(b)
		_, _, _ = versioned(b)
	})
}

// fuzzRecord: what decodes once decodes the same again from its own encoding.
func fuzzRecord(t *testing.T, b []byte, first, second any) {
	if decodeRecord(b, first) != nil {
		return
	}
	out, err := encMode.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := decodeRecord(out, second); err != nil || !reflect.DeepEqual(first, second) {
		t.Fatalf("%+v is %+v, %v", first, second, err)
	}
}

func FuzzLists(f *testing.F) {
	f.Add(appendPairs(nil, []idPair{{engine.ID{1}, engine.ID{2}}}))
	f.Add(appendReactions(nil, []reactionCount{{"+1", 2}, {"x", 300}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := parsePairs(b); err == nil {
			if !bytes.Equal(appendPairs(nil, l), b) {
				t.Fatalf("pairs %x", b)
			}
			if len(shown(l)) > len(l) {
				t.Fatal("more shown than claimed")
			}
		}
		if l, err := parseReactions(b); err == nil {
			if again, err := parseReactions(appendReactions(nil, l)); err != nil || !slices.Equal(l, again) {
				t.Fatalf("reactions %x", b)
			}
		}
	})
}

func FuzzLogValue(f *testing.F) {
	e := &engine.Event{Origin: 1, Seq: 2, Stamp: 3, Kind: engine.KindPosted, Room: engine.ID{4}, User: engine.ID{5}, Data: []byte("d")}
	inline, _ := e.AppendBinary([]byte{entryInline})
	f.Add(inline)
	f.Add(appendPointer(nil, e))
	f.Add(appendPost(nil, e))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, e, err := parseEntry(b); err == nil && e != nil {
			if again, _ := e.AppendBinary([]byte{entryInline}); !bytes.Equal(again, b) {
				t.Fatalf("entry %x", b)
			}
		}
		if seq, author, data, err := parsePost(b); err == nil {
			if again := appendPost(nil, &engine.Event{Seq: seq, User: author, Data: data}); !bytes.Equal(again, b) {
				t.Fatalf("post %x", b)
			}
		}
		m := &message{}
		for sub := byte(0); sub <= subLast; sub++ {
			_ = m.put(sub, b)
		}
	})
}

// TestPayloadIDs: an ID is 16 bytes of CBOR, not text, and a zero one is left out.
func TestPayloadIDs(t *testing.T) {
	b, err := encMode.Marshal(&engine.Posted{Body: "x", ReplyTo: engine.ID{1}})
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte{0xA2, 0x01, 0x61, 'x', 0x03, 0x50, 1}, make([]byte, 15)...)
	if !bytes.Equal(b, want) {
		t.Fatalf("%x", b)
	}
	if b, _ = encMode.Marshal(&engine.Posted{Body: "x"}); len(b) != 4 {
		t.Fatalf("%x", b)
	}
	var p engine.Posted
	if err := decMode.Unmarshal([]byte{0xA2, 0x01, 0x61, 'x', 0x18, 99, 0x01}, &p); err != nil || p.Body != "x" {
		t.Fatalf("a field of a later version: %v", err)
	}
	if err := decMode.Unmarshal([]byte{0xA2, 0x01, 0x61, 'x', 0x01, 0x61, 'y'}, &p); err == nil {
		t.Fatal("a key twice is not refused")
	}
	if err := decMode.Unmarshal([]byte{0xA1, 0x01, 0x61, 0xFF}, &p); err == nil {
		t.Fatal("what is not UTF-8 is not refused")
	}
}
