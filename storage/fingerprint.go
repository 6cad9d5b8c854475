package storage

import "hash/maphash"

// fingerprint stands for a set of entries, whatever their order: the sum, in two
// 64-bit halves, of a keyed hash of each. An entry more, less or other changes it,
// but for one chance in 2^128, which nobody can prepare: the keys are new in each process.
type fingerprint struct{ a, b uint64 }

var fingerprintKeys = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func (f *fingerprint) add(entry []byte) {
	f.a += maphash.Bytes(fingerprintKeys[0], entry)
	f.b += maphash.Bytes(fingerprintKeys[1], entry)
}

// merge adds the entries of another.
func (f *fingerprint) merge(o fingerprint) { f.a, f.b = f.a+o.a, f.b+o.b }

// relation compares what should be in an index with what is. Two goroutines may
// add, one to each side.
type relation struct{ expected, actual fingerprint }

func (r *relation) differs() bool { return r.expected != r.actual }
