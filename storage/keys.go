package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// Every key of the store is built and read here. The table, in key order; the
// first byte is the kind, numbers are big-endian, ids have 16 bytes. Each key
// ends with the length of its suffix: 0, or 18 for the keys of kind M, whose
// prefix is the room (see comparer.go).
//
//	key                            value
//	A | user                       ban register: see ban.go
//	B | network                    likewise
//	C | room | message | user | emoji    reaction register: version, 1 or 0
//	D | user                       when the user last signed in: milliseconds
//	E | room | message             nothing: an edit, deletion or reaction came before its post
//	F | invite                     an invitation (CBOR)
//	G | room | user                member register: version, role (also RoleNone)
//	H | user | nonce               claims: (message, room)*, in order of message
//	I | invite                     nothing: the invite has been used
//	J | user | token               a sign-in: end of the token's life, the program that asked
//	K | space | name               claims: (version, owner)*, in order
//	L | origin | seq               log entry (see log.go)
//	M | room . message | sub       0 post: seq, author, payload as it came
//	                               1 winning edit: version, payload as it came
//	                               2 deletion: the least version
//	                               3 reactions: (emoji, count)*, in order of emoji
//	                               4 nothing: hidden, the repeat of an earlier nonce
//	N | user | room | message      author; user zero: the whole room is named
//	O | origin                     node key register: version, public key
//	P | origin                     highest contiguous seq
//	Q |                            how many administrators there are
//	R | room                       room record (CBOR)
//	S | room                       how many members it has
//	T | token                      end of the revoked token's life
//	U | user                       user record (CBOR)
//	V | user | room                read marker: message
//	W | name 0 1 | room            nothing: a public room
//	X | name                       this node's own, never replicated
//	Z | kind | origin | seq        nothing: views are not derived from this event (see unknown.go)
//	m | room | user                role, of members only
//	q |                            how many of the administrators are disabled
//	r | user | room                role, of members only
//	y | room | parent | message    nothing: a visible reply
const (
	kindUserBan    = 'A'
	kindNetBan     = 'B'
	kindReaction   = 'C'
	kindLatest     = 'D'
	kindEarly      = 'E'
	kindInvitation = 'F'
	kindMemberReg  = 'G'
	kindNonce      = 'H'
	kindInvite     = 'I'
	kindSignIn     = 'J'
	kindName       = 'K'
	kindLog        = 'L'
	kindMessage    = 'M'
	kindMention    = 'N'
	kindNodeKey    = 'O'
	kindPosition   = 'P'
	kindAdmins     = 'Q'
	kindRoom       = 'R'
	kindMembers    = 'S'
	kindToken      = 'T'
	kindUser       = 'U'
	kindMarker     = 'V'
	kindPublic     = 'W'
	kindLocal      = 'X'
	kindUnknown    = 'Z'
	kindRoomMember = 'm'
	kindIdleAdmins = 'q'
	kindUserRoom   = 'r'
	kindReply      = 'y'
)

// The sub-keys of a message, adjacent so that a page of history is one scan.
const (
	subPost      = 0
	subEdit      = 1
	subDeleted   = 2
	subReactions = 3
	subHidden    = 4
	subLast      = subHidden
)

// The spaces of names.
const (
	spaceUser = 1
	spaceRoom = 2
)

const (
	idSize     = 16
	suffixSize = idSize + 1 + 1 // message, sub, and this length itself
	roomPrefix = 1 + idSize + 1 // kind, room, and a zero that ends every prefix
	noSuffix   = 0
)

var errKey = errors.New("malformed key")

func appendOrigin(dst []byte, kind byte, o engine.Origin) []byte {
	return binary.BigEndian.AppendUint64(append(dst, kind), uint64(o))
}

func appendIDs(dst []byte, kind byte, ids ...engine.ID) []byte {
	dst = append(dst, kind)
	for i := range ids {
		dst = append(dst, ids[i][:]...)
	}
	return dst
}

// idKey builds the key of a kind whose body is ids alone.
func idKey(kind byte, ids ...engine.ID) []byte {
	return append(appendIDs(make([]byte, 0, 2+len(ids)*idSize), kind, ids...), noSuffix)
}

// textKey builds the key of a kind whose body is ids and then text.
func textKey(kind byte, text string, ids ...engine.ID) []byte {
	dst := appendIDs(make([]byte, 0, 2+len(ids)*idSize+len(text)), kind, ids...)
	return append(append(dst, text...), noSuffix)
}

func appendLogKey(dst []byte, o engine.Origin, seq uint64) []byte {
	dst = binary.BigEndian.AppendUint64(appendOrigin(dst, kindLog, o), seq)
	return append(dst, noSuffix)
}

func logKey(o engine.Origin, seq uint64) []byte {
	return appendLogKey(make([]byte, 0, logKeySize), o, seq)
}

const logKeySize = 1 + 8 + 8 + 1

func originKey(kind byte, o engine.Origin) []byte {
	return append(appendOrigin(nil, kind, o), noSuffix)
}

func appendMessageKey(dst []byte, room, id engine.ID, sub byte) []byte {
	dst = append(appendIDs(dst, kindMessage, room), noSuffix)
	return append(append(dst, id[:]...), sub, suffixSize)
}

const messageKeySize = roomPrefix + suffixSize

func messageKey(room, id engine.ID, sub byte) []byte {
	return appendMessageKey(make([]byte, 0, messageKeySize), room, id, sub)
}

func nameKey(space byte, name string) []byte {
	return append(append([]byte{kindName, space}, name...), noSuffix)
}

// publicKey orders rooms by name, then ID. A zero byte in a name is escaped, so
// that no name runs into the ID behind it.
func publicKey(name string, room engine.ID) []byte {
	dst := []byte{kindPublic}
	for i := range len(name) {
		dst = append(dst, name[i])
		if name[i] == 0 {
			dst = append(dst, 0xFF)
		}
	}
	dst = append(dst, 0, 1)
	return append(append(dst, room[:]...), noSuffix)
}

func unknownKey(event engine.Kind, o engine.Origin, seq uint64) []byte {
	dst := append(make([]byte, 0, 1+logKeySize), kindUnknown, byte(event))
	dst = binary.BigEndian.AppendUint64(dst, uint64(o))
	return append(binary.BigEndian.AppendUint64(dst, seq), noSuffix)
}

func adminsKey() []byte { return []byte{kindAdmins, noSuffix} }

func idleAdminsKey() []byte { return []byte{kindIdleAdmins, noSuffix} }

// bounds returns the first and the end of the keys whose body begins with
// prefix; of all keys for none.
func bounds(prefix []byte) (lower, upper []byte) {
	lower = append(append(make([]byte, 0, len(prefix)+1), prefix...), noSuffix)
	upper = append(make([]byte, 0, len(prefix)+1), prefix...)
	for len(upper) > 0 {
		upper[len(upper)-1]++
		if upper[len(upper)-1] != 0 {
			break
		}
		upper = upper[:len(upper)-1]
	}
	if len(upper) == 0 {
		return lower, nil
	}
	return lower, append(upper, noSuffix)
}

// key is a key taken apart.
type key struct {
	kind    byte
	space   byte // of a name
	sub     byte // of a message
	event   engine.Kind
	origin  engine.Origin
	seq     uint64
	ids     [3]engine.ID
	text    string // a nonce, name, emoji, network
	numbers int    // how many of ids are set
}

// idsOf tells how many ids the body of a kind begins with, -1 for the kinds without.
func idsOf(kind byte) (n int, text bool) {
	switch kind {
	case kindReaction:
		return 3, true
	case kindMention, kindReply:
		return 3, false
	case kindEarly, kindMemberReg, kindSignIn, kindMarker, kindRoomMember, kindUserRoom:
		return 2, false
	case kindNonce:
		return 1, true
	case kindUserBan, kindInvitation, kindInvite, kindLatest, kindRoom, kindMembers, kindToken, kindUser:
		return 1, false
	case kindAdmins, kindIdleAdmins:
		return 0, false
	case kindLocal, kindNetBan:
		return 0, true
	}
	return -1, false
}

// parseKey takes a key of any kind apart.
func parseKey(b []byte) (k key, err error) {
	if len(b) < 2 {
		return key{}, errKey
	}
	k.kind = b[0]
	if k.kind == kindMessage {
		return k, k.parseMessage(b)
	}
	body := b[1 : len(b)-1]
	if b[len(b)-1] != noSuffix {
		return key{}, errKey
	}
	if n, text := idsOf(k.kind); n >= 0 {
		return k, k.parseIDs(body, n, text)
	}
	return k, k.parseOther(body)
}

func (k *key) parseMessage(b []byte) error {
	if len(b) != messageKeySize || b[roomPrefix-1] != noSuffix || b[len(b)-1] != suffixSize || b[len(b)-2] > subLast {
		return errKey
	}
	k.ids[0], k.ids[1] = engine.ID(b[1:17]), engine.ID(b[roomPrefix:roomPrefix+idSize])
	k.sub, k.numbers = b[len(b)-2], 2
	return nil
}

func (k *key) parseIDs(body []byte, n int, text bool) error {
	if len(body) < n*idSize || (!text && len(body) > n*idSize) {
		return errKey
	}
	for i := range n {
		k.ids[i] = engine.ID(body[i*idSize : (i+1)*idSize])
	}
	k.numbers, k.text = n, string(body[n*idSize:])
	return nil
}

func (k *key) parseOther(body []byte) error {
	switch {
	case k.kind == kindLog && len(body) == 16:
		k.seq = binary.BigEndian.Uint64(body[8:])
		k.origin = engine.Origin(binary.BigEndian.Uint64(body))
	case k.kind == kindUnknown && len(body) == 17:
		k.event = engine.Kind(body[0])
		k.origin = engine.Origin(binary.BigEndian.Uint64(body[1:]))
		k.seq = binary.BigEndian.Uint64(body[9:])
	case (k.kind == kindPosition || k.kind == kindNodeKey) && len(body) == 8:
		k.origin = engine.Origin(binary.BigEndian.Uint64(body))
	case k.kind == kindName && len(body) >= 1 && (body[0] == spaceUser || body[0] == spaceRoom):
		k.space, k.text = body[0], string(body[1:])
	case k.kind == kindPublic:
		return k.parsePublic(body)
	default:
		return errKey
	}
	return nil
}

func (k *key) parsePublic(body []byte) error {
	var name []byte
	for i := 0; i < len(body); i++ {
		if body[i] != 0 {
			name = append(name, body[i])
			continue
		}
		i++
		switch {
		case i < len(body) && body[i] == 0xFF:
			name = append(name, 0)
		case i < len(body) && body[i] == 1 && len(body)-i-1 == idSize:
			k.ids[0], k.numbers, k.text = engine.ID(body[i+1:]), 1, string(name)
			return nil
		default:
			return errKey
		}
	}
	return errKey
}

// build is the inverse of parseKey.
func (k *key) build() []byte {
	switch k.kind {
	case kindMessage:
		return messageKey(k.ids[0], k.ids[1], k.sub)
	case kindLog:
		return logKey(k.origin, k.seq)
	case kindUnknown:
		return unknownKey(k.event, k.origin, k.seq)
	case kindPosition, kindNodeKey:
		return originKey(k.kind, k.origin)
	case kindName:
		return nameKey(k.space, k.text)
	case kindPublic:
		return publicKey(k.text, k.ids[0])
	}
	return textKey(k.kind, k.text, k.ids[:k.numbers]...)
}

// String is the key as Dump shows it.
func (k *key) String() string {
	s := string(k.kind)
	switch k.kind {
	case kindLog:
		return fmt.Sprintf("%s %s %d", s, k.origin, k.seq)
	case kindUnknown:
		return fmt.Sprintf("%s %d %s %d", s, k.event, k.origin, k.seq)
	case kindPosition, kindNodeKey:
		return fmt.Sprintf("%s %s", s, k.origin)
	case kindName:
		return fmt.Sprintf("%s %d %q", s, k.space, k.text)
	case kindPublic:
		return fmt.Sprintf("%s %q %s", s, k.text, k.ids[0])
	}
	for _, id := range k.ids[:k.numbers] {
		s += " " + id.String()
	}
	if k.kind == kindMessage {
		s += fmt.Sprintf(" %d", k.sub)
	}
	if k.text != "" {
		s += fmt.Sprintf(" %q", k.text)
	}
	return s
}
