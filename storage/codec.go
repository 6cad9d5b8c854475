package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine"
)

// Payloads and records are CBOR (RFC 8949) in its core deterministic encoding:
// the same content has the same bytes on every node. IDs are byte strings.
// Unknown keys are skipped, so that a field added later does no harm here.
var (
	encMode = must(cbor.CoreDetEncOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  8,
		MaxArrayElements: 1 << 16,
		MaxMapPairs:      256,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// EncodePayload implements engine.Store.
func (s *Store) EncodePayload(payload any) ([]byte, error) {
	b, err := encMode.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", payload, err)
	}
	return b, nil
}

// DecodePayload implements engine.Store.
func (s *Store) DecodePayload(e *engine.Event) error {
	if !s.knows(e.Kind) {
		e.Payload = nil
		return nil
	}
	return decodePayload(e)
}

func decodePayload(e *engine.Event) error {
	p := engine.NewPayload(e.Kind)
	if p == nil {
		e.Payload = nil
		return nil
	}
	if err := decMode.Unmarshal(e.Data, p); err != nil {
		return &engine.Error{
			Code:    engine.CodeInvalidField,
			Message: fmt.Sprintf("the content of event %s/%d (kind %d) cannot be read", e.Origin, e.Seq, e.Kind),
			Fields:  []engine.FieldError{{Field: "data", Code: "malformed"}},
			Err:     err,
		}
	}
	e.Payload = p
	return nil
}

// errRecord is what a value that is not what its key promises gives: a damaged
// store, never a client's doing.
var errRecord = errors.New("malformed record")

func decodeRecord(b []byte, v any) error {
	if err := decMode.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	return nil
}

// register is one last-writer-wins field: the event that set it, and the value.
type register[T any] struct {
	_       struct{} `cbor:",toarray"`
	Version engine.ID
	Value   T
}

// set takes v if its version is the later one.
func (r *register[T]) set(version engine.ID, v T) bool {
	if version.Compare(r.Version) <= 0 {
		return false
	}
	r.Version, r.Value = version, v
	return true
}

// setPtr takes *v as set does; a nil v says nothing.
func (r *register[T]) setPtr(version engine.ID, v *T) {
	if v != nil {
		r.set(version, *v)
	}
}

// A register that records of before did not have is a pointer: nil leaves their bytes as
// they were, which an empty register would not.

// with is set for such a one.
func (r *register[T]) with(version engine.ID, v T) *register[T] {
	if r == nil {
		r = new(register[T])
	}
	r.set(version, v)
	return r
}

// said is its value.
func (r *register[T]) said() (v T) {
	if r != nil {
		v = r.Value
	}
	return v
}

func minID(a, b engine.ID) engine.ID {
	if a.IsZero() || (!b.IsZero() && b.Compare(a) < 0) {
		return b
	}
	return a
}

// idPair is an entry of the lists that claims are kept in.
type idPair struct{ a, b engine.ID }

func appendPairs(dst []byte, list []idPair) []byte {
	for i := range list {
		dst = append(append(dst, list[i].a[:]...), list[i].b[:]...)
	}
	return dst
}

func parsePairs(b []byte) ([]idPair, error) {
	if len(b)%(2*idSize) != 0 {
		return nil, errRecord
	}
	list := make([]idPair, len(b)/(2*idSize))
	for i := range list {
		e := b[i*2*idSize:]
		list[i] = idPair{engine.ID(e[:idSize]), engine.ID(e[idSize : 2*idSize])}
	}
	return list, nil
}

func comparePair(x, y idPair) int {
	if c := x.a.Compare(y.a); c != 0 {
		return c
	}
	return x.b.Compare(y.b)
}

// versioned splits a value that begins with the version of its writer.
func versioned(b []byte) (version engine.ID, rest []byte, err error) {
	if len(b) < idSize {
		return engine.ID{}, nil, errRecord
	}
	return engine.ID(b[:idSize]), b[idSize:], nil
}

func parseID(b []byte) (engine.ID, error) {
	if len(b) != idSize {
		return engine.ID{}, errRecord
	}
	return engine.ID(b), nil
}

func parseCount(b []byte) (int, error) {
	if b == nil {
		return 0, nil
	}
	n, size := binary.Uvarint(b)
	if size != len(b) || n > 1<<40 {
		return 0, errRecord
	}
	return int(n), nil
}

func appendCount(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)) }
