package realtime

import (
	"encoding/json"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine"
)

// The protocol, version 1.
//
// A client makes a WebSocket connection to /api/v1/ws and asks for a subprotocol:
// each message then is one object with the field "type", as JSON in a text
// message or with the same shape as CBOR in a binary one. IDs are ULIDs and times
// RFC 3339 as text in both. Only a signal's data may differ: byte strings of CBOR
// are base64 (RFC 4648, section 4) in JSON.
//
//	client                                server
//	hello {token?, cursor?}          ->
//	                                 <-   ready {user, node, rooms, cursor, resumed, heartbeat}
//	                                 <-   reset {reason}, if the cursor cannot be served; or
//	                                 <-   all that was missed since the cursor, then checkpoint
//	post {ref: 1, room, body, nonce} ->
//	                                 <-   message {...}, the echo, as everybody in the room gets it
//	                                 <-   ack {ref: 1, id, at, position, durability}
//	ping {ref: 2}                    ->
//	                                 <-   pong {ref: 2}
//	                                 <-   checkpoint {cursor}, with every heartbeat
//
// The first frame is hello, within the handshake's time. Its token may also come
// in the Authorization header or, from our own pages, in the cookie. Every other
// frame is answered by an ack with its result or by an error, either with its ref
// if it had one. Frames may follow each other without waiting; all but posts
// are done one after the other.
//
// The server closes with the codes of engine.CloseCode. After all but 4001, 4002
// and 4009 a client comes back, with backoff, jitter and its last cursor.
//
// Over Socket.IO (its protocol v5, at /socket.io/, namespace "/") there is no
// hello: the token is in auth, the Authorization header or the cookie. A frame is
// the event of its type, with its fields as first argument; the acknowledgement,
// if one is asked for, takes the place of ref:
//
//	client                                       server
//	CONNECT {token, pid?, offset?}            ->
//	                                          <- CONNECT {sid, pid}, or CONNECT_ERROR
//	                                             {message, data: {code, retry_after_ms?}}
//	                                          <- EVENT "ready" {...}, cursor
//	                                          <- what was missed since the offset, or
//	                                             EVENT "reset" {reason}
//	EVENT 1 "post" {room, body, nonce}        ->
//	                                          <- EVENT "message" {...}, cursor
//	                                          <- ACK 1 {ok: true, id, at, position, durability}
//	EVENT 2 "post" {room: "nowhere"}          ->
//	                                          <- ACK 2 {ok: false, error: {code, message, ...}}
//	EVENT "post" {room: "nowhere"}            ->
//	                                          <- EVENT "error" {code, message, ...}
//
// Byte strings in a signal's data are attachments both ways, up to ten; more are base64.
const (
	SubprotocolJSON = "klatch.v1.json" // also when none is asked for
	SubprotocolCBOR = "klatch.v1.cbor"

	sessionCookie = "klatch_session"
)

// The types of frames from the client. Their fields are those of frame.
const (
	typeHello    = "hello"    // token?, cursor?
	typePost     = "post"     // room, body, nonce?, reply_to?, attachments?
	typeEdit     = "edit"     // id, body
	typeDelete   = "delete"   // id
	typeReact    = "react"    // id, emoji, remove?
	typeJoin     = "join"     // room
	typeLeave    = "leave"    // room
	typeHistory  = "history"  // room, one of before, after and around?, limit?
	typeRead     = "read"     // room, id
	typeTyping   = "typing"   // room
	typePresence = "presence" // status
	typeSignal   = "signal"   // room, name, data?
	typePing     = "ping"
)

// The types of frames that answer. Those that tell are the engine's notices.
const (
	typeAck   = "ack"
	typeError = "error"
	typePong  = "pong"
)

// Bounds of the protocol.
const (
	historyLimit = 50   // messages of a page, where none is asked for
	postsAtOnce  = 64   // posts of a connection without an ack; past it no frame is read
	refusals     = 100  // frames over the rate in a row, after which the connection is closed
	dataDepth    = 16   // arrays and maps within each other in a signal's data
	dataElements = 4096 // elements of one array or map there
)

// codeProtocol is the error before a close with engine.CloseProtocolError.
const codeProtocol engine.Code = "protocol_error"

// closeInternal is RFC 6455's code for a server that failed.
const closeInternal engine.CloseCode = 1011

// frame is what a client sends: the fields of all types. A room is an id or a
// name; the other references are ids. They are read by the commands, so that a
// bad one is answered with its field and the frame's ref.
type frame struct {
	Type string `json:"type"`
	Ref  *int64 `json:"ref"` // comes back in the answer

	Token  string `json:"token"`
	Cursor string `json:"cursor"`

	Room        string    `json:"room"`
	ID          string    `json:"id"`
	Body        string    `json:"body"`
	Nonce       string    `json:"nonce"`
	ReplyTo     string    `json:"reply_to"`
	Attachments []rawData `json:"attachments"`
	Emoji       string    `json:"emoji"`
	Remove      bool      `json:"remove"`

	Before string `json:"before"`
	After  string `json:"after"`
	Around string `json:"around"`
	Limit  *int   `json:"limit"`

	Status engine.Status `json:"status"`
	Name   string        `json:"name"`
	Data   rawData       `json:"data"`
}

// rawData is a value in the connection's format, to be decoded when needed.
type rawData []byte

var (
	_ json.Unmarshaler = (*rawData)(nil)
	_ cbor.Unmarshaler = (*rawData)(nil)
)

func (r *rawData) UnmarshalJSON(b []byte) error { *r = append(rawData(nil), b...); return nil }

func (r *rawData) UnmarshalCBOR(b []byte) error { *r = append(rawData(nil), b...); return nil }

// ackFrame says that a frame is done. Position is the cursor-like token that
// makes later reads see a write on any node (I8); Durability says where the
// write is stored.
type ackFrame struct {
	Type       string            `json:"type"`
	Ref        *int64            `json:"ref,omitempty"`
	Position   string            `json:"position,omitempty"`
	Durability engine.Durability `json:"durability,omitempty"`
}

// postAck answers post: the new message, or the first one with its nonce.
type postAck struct {
	Type       string            `json:"type"`
	Ref        *int64            `json:"ref,omitempty"`
	ID         engine.ID         `json:"id"`
	At         engine.Time       `json:"at"`
	Position   string            `json:"position"`
	Durability engine.Durability `json:"durability"`
}

// joinAck answers join.
type joinAck struct {
	Type       string            `json:"type"`
	Ref        *int64            `json:"ref,omitempty"`
	Room       engine.RoomView   `json:"room"`
	Position   string            `json:"position"`
	Durability engine.Durability `json:"durability"`
}

// historyAck answers history, oldest message first.
type historyAck struct {
	Type  string           `json:"type"`
	Ref   *int64           `json:"ref,omitempty"`
	Items []engine.Message `json:"items"`
	Prev  *engine.ID       `json:"prev"` // pass as before; null at the beginning
	Next  *engine.ID       `json:"next"` // pass as after; null at the end
}

// errorFrame says that a frame was not done. Fields names what is wrong with it.
type errorFrame struct {
	Type         string              `json:"type"`
	Ref          *int64              `json:"ref,omitempty"`
	Code         engine.Code         `json:"code"`
	Message      string              `json:"message"`
	RetryAfterMS int64               `json:"retry_after_ms,omitempty"`
	Fields       []engine.FieldError `json:"errors,omitempty"`
}

// pongFrame answers ping.
type pongFrame struct {
	Type string `json:"type"`
	Ref  *int64 `json:"ref,omitempty"`
}
