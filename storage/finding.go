package storage

import (
	"fmt"
	"sync"
)

// Code names a sort of damage. Codes are for scripts and do not change. Those of
// views are made of what the key is for (kindNames) and one of the words
//
//	_missing   the log asks for the entry, and it is not there
//	_extra     it is there, and nothing in the log asks for it
//	_wrong     its value is not what the log makes of it
type Code string

// The codes that are no view's.
const (
	CodeTableDamaged  Code = "table_damaged"       // a file of the store: a checksum does not fit, or it is cut
	CodeTableMissing  Code = "table_missing"       // a file of the store is not there
	CodeUnreadable    Code = "unreadable"          // reading stopped at a key: checks that need what is behind it are not made
	CodeKeyMalformed  Code = "key_malformed"       // a key of no known form
	CodeLogGap        Code = "log_gap"             // I2: events are missing
	CodeLogMalformed  Code = "log_entry_malformed" // an entry of the log cannot be read, or is another event's
	CodeLogOrder      Code = "log_order"           // I2: an event is not later than the one before it
	CodeLogDangling   Code = "log_dangling"        // the log points to a message that is not there
	CodePostUnlogged  Code = "post_unlogged"       // a message to which the log does not point
	CodePostMalformed Code = "post_malformed"      // a message that cannot be read
	CodeLocal         Code = "local_malformed"     // the node's identity or format cannot be read
)

// kindNames are the words for the kinds of keys, in codes and in reports. A kind
// without one is a failing test: every kind of key is checked, or it is not one.
var kindNames = map[byte]string{
	kindReaction:   "reaction",
	kindLatest:     "latest_sign_in",
	kindEarly:      "early",
	kindMemberReg:  "member",
	kindNonce:      "nonce",
	kindInvite:     "invite",
	kindSignIn:     "sign_in",
	kindName:       "name",
	kindLog:        "log",
	kindMessage:    "message",
	kindMention:    "mention",
	kindNodeKey:    "node_key",
	kindPosition:   "position",
	kindAdmins:     "admin_count",
	kindRoom:       "room",
	kindMembers:    "member_count",
	kindToken:      "revocation",
	kindUser:       "user",
	kindMarker:     "marker",
	kindPublic:     "public_room",
	kindLocal:      "local",
	kindUnknown:    "unknown_event",
	kindRoomMember: "room_member",
	kindUserRoom:   "user_room",
	kindReply:      "reply",
	kindUserBan:    "user_ban",
	kindNetBan:     "network_ban",
	kindInvitation: "invitation",
	kindIdleAdmins: "disabled_admin_count",
}

// partNames are those of the parts of a message.
var partNames = [...]string{subPost: "post", subEdit: "edit", subDeleted: "deletion", subReactions: "reaction_count", subHidden: "hidden"}

const (
	isMissing = "_missing"
	isExtra   = "_extra"
	isWrong   = "_wrong"
)

func viewCode(k *key, how string) Code {
	if k.kind == kindMessage {
		return Code(partNames[k.sub] + how)
	}
	return Code(kindNames[k.kind] + how)
}

// Finding is one piece of damage.
type Finding struct {
	Code     Code   `json:"code"`
	Key      string `json:"key"` // as Dump writes it, or the name of a file
	What     string `json:"what"`
	Mendable bool   `json:"mendable"` // Rebuild mends it without any loss
}

// findings gathers what is found: all are counted, the first ones are kept.
type findings struct {
	limit int

	mu         sync.Mutex
	list       []Finding
	counts     map[Code]uint64
	unmendable uint64
}

func newFindings(limit int) *findings {
	return &findings{limit: limit, list: []Finding{}, counts: map[Code]uint64{}}
}

func (f *findings) add(code Code, key string, mendable bool, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[code]++
	if !mendable {
		f.unmendable++
	}
	if len(f.list) < f.limit {
		f.list = append(f.list, Finding{code, key, fmt.Sprintf(format, args...), mendable})
	}
}

// view adds one about a view: a rebuild mends all of them.
func (f *findings) view(raw []byte, how, what string) {
	k, err := parseKey(raw)
	if err != nil {
		f.malformed(raw)
		return
	}
	f.add(viewCode(&k, how), k.String(), true, "%s", what)
}

func (f *findings) malformed(raw []byte) {
	f.add(CodeKeyMalformed, fmt.Sprintf("%x", raw[:min(len(raw), 64)]), true, "no key of this version has this form")
}
