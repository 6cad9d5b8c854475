package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine"
)

// The protocol of a link, version 1.
//
// Two nodes that have proved the cluster key to each other (handshake.go) speak
// WebSocket (RFC 6455) on that connection, one binary message a frame: a byte
// that names its kind, then the body. Bodies are CBOR maps with integer keys, but for events
// and pieces of a snapshot. Fields and kinds that a node does not know it ignores, so that
// nodes of different minor versions work together.
//
//	hello {versions, origin, position, roster}  <->   the first frame of either side
//	want {origin, after}                         ->   "stream me this origin's events after that seq"
//	                                            <-    events, as many as the window allows
//	position {position, ...}                     ->   acknowledges events; also once a second
//	presence begin?, users                      <->   of the sender's own sessions
//	relay {typing or signal}                    <->
//	roster {...}                                <->   when it changes
//	snapshot {}                                  ->   "send me all that you have"
//	                                            <-    pieces, then an empty one
//
// A frame's size is bounded by maxFrame, what is sent of events and not acknowledged by window.
const (
	protocolVersion = 1 // the newest spoken; hello says the oldest too
	protocolOldest  = 1
)

type frameKind byte

const (
	frameHello    frameKind = 1 // hello
	frameWant     frameKind = 2 // want
	frameEvents   frameKind = 3 // uvarint length and the binary form of each event
	framePosition frameKind = 4 // status
	framePresence frameKind = 5 // begin, 1 or 0; then 16 bytes of ID and a byte of status for each user
	frameRelay    frameKind = 6 // relay
	frameRoster   frameKind = 7 // roster
	frameSnapshot frameKind = 8 // no body
	framePiece    frameKind = 9 // a piece of a snapshot; empty: the end, or that there is none
)

const (
	maxFrame    = 32 << 20 // the largest event: --max-message may be 16 MiB
	eventsFrame = 256 << 10
	window      = 4 << 20
)

type hello struct {
	Oldest   int           `cbor:"1,keyasint"`
	Newest   int           `cbor:"2,keyasint"`
	Origin   engine.Origin `cbor:"3,keyasint"`
	Position string        `cbor:"4,keyasint"`
	Version  string        `cbor:"5,keyasint"` // of the program
	Roster   []seat        `cbor:"6,keyasint"`
	Boot     boot          `cbor:"7,keyasint"`
	To       engine.Origin `cbor:"8,keyasint,omitempty"` // whom the dialler means
}

type want struct {
	Origin engine.Origin `cbor:"1,keyasint"`
	After  uint64        `cbor:"2,keyasint"`
	Stop   bool          `cbor:"3,keyasint,omitempty"` // no more of it
}

// status is the body of a position frame: what a node tells of itself.
type status struct {
	Position    string        `cbor:"1,keyasint"`
	Ready       bool          `cbor:"2,keyasint"`
	Draining    bool          `cbor:"3,keyasint"`
	Connections int           `cbor:"4,keyasint"`
	Sent        int64         `cbor:"5,keyasint"` // microseconds of the sender's clock
	Echo        int64         `cbor:"6,keyasint"` // the last Sent of the other side
	Held        time.Duration `cbor:"7,keyasint"` // how long ago that came
}

// relay carries one notice that is not stored.
type relay struct {
	Type string    `cbor:"1,keyasint"` // typing or signal
	Room engine.ID `cbor:"2,keyasint"`
	User engine.ID `cbor:"3,keyasint"`
	Name string    `cbor:"4,keyasint,omitempty"`
	Data any       `cbor:"5,keyasint,omitempty"`
}

var errFrame = errors.New("malformed frame")

// encodeFrame builds a frame with a CBOR body.
func encodeFrame(kind frameKind, body any) []byte {
	b, err := encoder.Marshal(body)
	if err != nil {
		panic(err) // our own structs
	}
	return append([]byte{byte(kind)}, b...)
}

func decodeFrame(body []byte, v any) error {
	if err := decoder.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	return nil
}

var encoder, decoder = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	e, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		panic(err)
	}
	d, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 20,
		MaxArrayElements: 1 << 17, MaxMapPairs: 1 << 17, IndefLength: cbor.IndefLengthForbidden,
		IntDec: cbor.IntDecConvertSignedOrFail, DefaultMapType: reflect.TypeFor[map[string]any](),
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return e, d
}

// appendEvent adds one encoded event to an events frame.
func appendEvent(frame, event []byte) []byte {
	frame = binary.AppendUvarint(frame, uint64(len(event)))
	return append(frame, event...)
}

// parseEvents takes an events frame's body apart. The events keep it.
func parseEvents(body []byte) (events []*engine.Event, err error) {
	for len(body) > 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return nil, errFrame
		}
		e, err := engine.ParseEvent(body[n : n+int(size)])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errFrame, err)
		}
		events = append(events, e)
		body = body[n+int(size):]
	}
	return events, nil
}
