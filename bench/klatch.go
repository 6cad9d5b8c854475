package bench

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/golang-jwt/jwt/v5"
)

// Klatch is klatch's own protocol in JSON (klatch.v1.json).
func Klatch(secret []byte) Protocol { return &klatchJSON{klatch{secret, "klatch.v1.json"}} }

// KlatchCBOR is the same in binary frames (klatch.v1.cbor).
func KlatchCBOR(secret []byte) Protocol { return &klatchCBOR{klatch{secret, "klatch.v1.cbor"}} }

// klatch is what both formats share.
type klatch struct {
	secret      []byte
	subprotocol string
}

func (k *klatch) Name() string { return k.subprotocol }

// account is what a client keeps over its connections.
type account struct {
	token string
	pid   string       // over Socket.IO: of the session before
	room  atomic.Value // its room's id, as ready told it; the pacer reads it
}

// Request implements Protocol. The token makes the user and the room on first sight.
func (k *klatch) Request(c *Client) (string, http.Header, error) {
	if err := k.sign(c); err != nil {
		return "", nil, err
	}
	return "/api/v1/ws", http.Header{
		"Sec-Websocket-Protocol": {k.subprotocol}, "Authorization": {"Bearer " + c.State.(*account).token},
	}, nil
}

// sign gives a client its token when it needs one for the first time.
func (k *klatch) sign(c *Client) error {
	if c.State != nil {
		return nil
	}
	token, err := k.token(c)
	if err != nil {
		return err
	}
	c.State = &account{token: token}
	return nil
}

func (k *klatch) token(c *Client) (string, error) {
	claims := jwt.MapClaims{
		"sub": c.Name(), "rooms": []string{c.RoomName()}, "exp": time.Now().Add(24 * time.Hour).Unix(),
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(k.secret)
}

// roomID is what a real client posts with, once it knows it.
func roomID(c *Client) string {
	if id := c.State.(*account).room.Load(); id != nil {
		return id.(string)
	}
	return c.RoomName()
}

func setRoomID(c *Client, id []byte) {
	if len(id) == idLength {
		c.State.(*account).room.Store(string(id))
	}
}

type klatchJSON struct{ klatch }

var _ Paging = (*klatchJSON)(nil)

// Opened implements Protocol.
func (*klatchJSON) Opened(c *Client) {
	hello := append([]byte(nil), `{"type":"hello"`...)
	if len(c.Cursor) > 0 {
		hello = append(append(append(hello, `,"cursor":"`...), c.Cursor...), '"')
	}
	c.Send(false, append(hello, '}'))
}

// Post implements Protocol.
func (*klatchJSON) Post(c *Client, body []byte) bool {
	return c.Send(false, append(append(append(append(append(make([]byte, 0, 64+len(body)),
		`{"type":"post","room":"`...), roomID(c)...), `","body":"`...), body...), `"}`...))
}

// Page implements Paging.
func (*klatchJSON) Page(c *Client, ref int64, before string) bool {
	p := strconv.AppendInt([]byte(`{"type":"history","ref":`), ref, 10)
	p = append(append(append(append(p, `,"room":"`...), roomID(c)...), `","before":"`...), before...)
	return c.Send(false, append(p, `","limit":50}`...))
}

// Message implements Protocol.
func (*klatchJSON) Message(c *Client, data []byte) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"type":"`))
	kind, fields, cut := bytes.Cut(rest, []byte{'"'})
	switch {
	case !ok || !cut:
		c.Failed(string(data))
	case string(kind) == "ack":
		if ref := after(fields, `"ref":`); ref != nil {
			n, _ := strconv.ParseInt(string(ref[:max(0, bytes.IndexAny(ref, ",}"))]), 10, 64)
			c.Answered(n)
		}
	default:
		c.told(kind, data)
	}
}

// told takes what is no answer: its type, and the JSON with its fields.
func (c *Client) told(kind, data []byte) {
	switch string(kind) {
	case "message":
		c.Delivered(after(data, `"body":"`), upTo(after(data, `"id":"`), idLength))
	case "ready":
		setRoomID(c, before(data, `","name":"`+c.RoomName()+`"`, idLength))
		c.welcomed(text(after(data, `"cursor":"`)), bytes.Contains(data, []byte(`"resumed":true`)))
	case "checkpoint":
		c.checkpoint(text(after(data, `"cursor":"`)))
	case "reset", "error":
		c.Failed(string(data))
	}
}

// welcomed takes ready: who has brought a cursor is live with the checkpoint
// that ends what was missed.
func (c *Client) welcomed(cursor []byte, resumed bool) {
	if len(c.Cursor) == 0 || !resumed {
		c.checkpoint(cursor)
	}
}

func (c *Client) checkpoint(cursor []byte) {
	c.keep(cursor)
	c.Ready()
}

// keep remembers a cursor, without garbage: over Socket.IO each message brings one.
func (c *Client) keep(cursor []byte) { c.Cursor = append(c.Cursor[:0], cursor...) }

const idLength = 26

// after returns what follows the first appearance of what, or nil.
func after(p []byte, what string) []byte {
	i := bytes.Index(p, []byte(what))
	if i < 0 {
		return nil
	}
	return p[i+len(what):]
}

// before returns the n bytes before the first appearance of what, or nil.
func before(p []byte, what string, n int) []byte {
	i := bytes.Index(p, []byte(what))
	if i < n {
		return nil
	}
	return p[i-n : i]
}

func upTo(p []byte, n int) []byte { return p[:min(n, len(p))] }

// text is what stands before a quotation mark.
func text(p []byte) []byte { return p[:max(0, bytes.IndexByte(p, '"'))] }

func quoted(p []byte) string { return string(text(p)) }

type klatchCBOR struct{ klatch }

// Opened implements Protocol.
func (*klatchCBOR) Opened(c *Client) {
	hello := map[string]string{"type": "hello"}
	if len(c.Cursor) > 0 {
		hello["cursor"] = string(c.Cursor)
	}
	c.sendCBOR(hello)
}

// Post implements Protocol.
func (*klatchCBOR) Post(c *Client, body []byte) bool {
	return c.sendCBOR(struct {
		Type string `cbor:"type"`
		Room string `cbor:"room"`
		Body string `cbor:"body"`
	}{"post", roomID(c), string(body)})
}

func (c *Client) sendCBOR(v any) bool {
	p, err := cbor.Marshal(v)
	return err == nil && c.Send(true, p)
}

// Message implements Protocol. The type comes first, and keys and texts are found
// by their encoding: a key "id" is 0x62 'i' 'd', and a text's head says its length.
func (*klatchCBOR) Message(c *Client, data []byte) {
	switch kind := string(cborText(after(data, "dtype"))); kind {
	case "message":
		c.Delivered(cborText(after(data, "dbody")), cborText(after(data, "bid")))
	case "ready":
		name := c.RoomName()
		setRoomID(c, before(data, "dname"+string([]byte{3<<5 | byte(len(name))})+name, idLength))
		c.welcomed(cborText(after(data, "fcursor")), bytes.Contains(data, []byte("gresumed\xf5")))
	case "checkpoint":
		c.checkpoint(cborText(after(data, "fcursor")))
	case "reset", "error":
		c.Failed(string(data))
	}
}

// cborText reads a text string (RFC 8949, section 3.1, major type 3); nil where there is none.
func cborText(p []byte) []byte {
	if len(p) == 0 || p[0]>>5 != 3 {
		return nil
	}
	n, head := int(p[0]&31), 1
	switch {
	case n == 24 && len(p) > 1:
		n, head = int(p[1]), 2
	case n == 25 && len(p) > 2:
		n, head = int(binary.BigEndian.Uint16(p[1:])), 3
	case n > 23:
		return nil
	}
	if len(p) < head+n {
		return nil
	}
	return p[head : head+n]
}
