package storage

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// comparer orders keys by prefix, then suffix. The last byte of a key is the
// length of its suffix, itself included: that is how CockroachDB's keys do it, and
// it stays true when leading bytes are taken away, which Pebble asks for. Only
// message keys have a suffix; their prefix is the room, so that bloom filters
// answer for a room, and for all other kinds for the whole key.
var comparer = &pebble.Comparer{
	Name:                 "klatch.v1",
	Split:                split,
	Compare:              compare,
	Equal:                bytes.Equal,
	ComparePointSuffixes: bytes.Compare,
	CompareRangeSuffixes: bytes.Compare,
	FormatKey:            pebble.DefaultComparer.FormatKey,
	AbbreviatedKey: func(k []byte) uint64 {
		return pebble.DefaultComparer.AbbreviatedKey(k[:split(k)])
	},
	// A shortened key would have no proper last byte, so index blocks hold whole keys.
	Separator:          func(dst, a, _ []byte) []byte { return append(dst, a...) },
	Successor:          func(dst, a []byte) []byte { return append(dst, a...) },
	ImmediateSuccessor: func(dst, a []byte) []byte { return append(append(dst, a...), noSuffix) },
}

func split(k []byte) int {
	if n := len(k); n > suffixSize && k[n-1] == suffixSize {
		return n - suffixSize
	}
	return len(k)
}

func compare(a, b []byte) int {
	an, bn := split(a), split(b)
	if c := bytes.Compare(a[:an], b[:bn]); c != 0 {
		return c
	}
	return bytes.Compare(a[an:], b[bn:])
}
