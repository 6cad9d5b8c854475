package portable

import "github.com/klatch-chat/klatch/engine"

// form is how the value of a field is written.
type form uint8

const (
	formText  form = iota // a string
	formFlag              // true or false
	formID                // a ULID; "" for the zero id
	formBytes             // base64
	formCount             // a whole number, not negative
	formTime              // RFC 3339 in UTC with milliseconds
	formRole              // "", member, moderator or owner
	formIDs               // an array of ULIDs
	formItems             // an array of objects with fields of their own
)

// field is one field of a payload: its number in CBOR and its name in JSON.
type field struct {
	key   uint64
	name  string
	form  form
	left  Fate // the fates with which it stays behind
	items []field
}

// kind is how the events of one kind are written.
type kind struct {
	number engine.Kind
	name   string
	fields []field // in order of key
}

// Fate tells what has become of an event since, and so what of it stays behind.
type Fate uint8

// The fates. Events that none of them befell are written whole.
const (
	Replaced Fate = 1 << iota // another edit's content stands in the place of this
	Deleted                   // the message has been deleted
	Closed                    // the message's room has been deleted
	Secret                    // what authenticates people stays behind, of any event
)

const gone = Deleted | Closed

// The table of kinds. A kind or field of package engine that is not in it fails a test.
var table = []kind{
	{engine.KindNodeKey, "node_key", []field{
		{1, "public", formBytes, 0, nil},
	}},
	{engine.KindUserCreated, "user_created", []field{
		{1, "username", formText, 0, nil},
		{2, "display_name", formText, 0, nil},
		{3, "password", formText, Secret, nil},
		{4, "admin", formFlag, 0, nil},
		{5, "bot", formFlag, 0, nil},
		{6, "invite", formID, 0, nil},
	}},
	{engine.KindUserUpdated, "user_updated", []field{
		{1, "display_name", formText, 0, nil},
		{2, "password", formText, Secret, nil},
		{3, "admin", formFlag, 0, nil},
		{4, "username", formText, 0, nil},
	}},
	{engine.KindTokenRevoked, "token_revoked", []field{
		{1, "token", formID, 0, nil}, // not with Secret: what was ended must stay ended
		{2, "expires_at", formTime, 0, nil},
	}},
	{engine.KindTokenIssued, "token_issued", []field{
		{1, "token", formID, Secret, nil},
		{2, "expires_at", formTime, Secret, nil},
		{3, "agent", formText, Secret, nil},
	}},
	{engine.KindAccountSet, "account_set", []field{
		{1, "disabled", formFlag, 0, nil},
		{2, "deleted", formFlag, 0, nil},
		{3, "by", formID, 0, nil},
	}},
	{engine.KindUserBanned, "user_banned", []field{
		{1, "reason", formText, 0, nil},
		{2, "until", formTime, 0, nil},
		{3, "lifted", formFlag, 0, nil},
		{4, "by", formID, 0, nil},
	}},
	{engine.KindNetBanned, "network_banned", []field{
		{1, "network", formText, 0, nil},
		{2, "reason", formText, 0, nil},
		{3, "until", formTime, 0, nil},
		{4, "lifted", formFlag, 0, nil},
		{5, "by", formID, 0, nil},
	}},
	{engine.KindInvited, "invited", []field{
		{1, "invite", formID, 0, nil},
		{2, "expires_at", formTime, 0, nil},
		{3, "admin", formFlag, 0, nil},
		{4, "note", formText, 0, nil},
		{5, "by", formID, 0, nil},
	}},
	{engine.KindRoomCreated, "room_created", []field{
		{1, "name", formText, 0, nil},
		{2, "topic", formText, 0, nil},
		{3, "private", formFlag, 0, nil},
		{4, "direct", formFlag, 0, nil},
		{5, "members", formItems, 0, []field{
			{1, "user", formID, 0, nil},
			{2, "role", formRole, 0, nil},
		}},
	}},
	{engine.KindRoomUpdated, "room_updated", []field{
		{1, "name", formText, 0, nil},
		{2, "topic", formText, 0, nil},
		{3, "private", formFlag, 0, nil},
		{4, "by", formID, 0, nil},
	}},
	{engine.KindRoomDeleted, "room_deleted", []field{
		{1, "by", formID, 0, nil},
	}},
	{engine.KindRoomArchived, "room_archived", []field{
		{1, "archived", formFlag, 0, nil},
		{2, "by", formID, 0, nil},
	}},
	{engine.KindMemberSet, "member_set", []field{
		{1, "role", formRole, 0, nil},
		{2, "by", formID, 0, nil},
	}},
	// Mentions of messages in deleted rooms are in an index still, so they are not Closed.
	{engine.KindPosted, "message_posted", []field{
		{1, "body", formText, Replaced | gone, nil},
		{2, "nonce", formText, 0, nil},
		{3, "reply_to", formID, 0, nil},
		{4, "mentions", formIDs, Replaced | Deleted, nil},
		{5, "everyone", formFlag, Replaced | Deleted, nil},
		{6, "attachments", formItems, Deleted, []field{
			{1, "id", formID, 0, nil},
			{2, "name", formText, 0, nil},
			{3, "size", formCount, 0, nil},
			{4, "type", formText, 0, nil},
		}},
	}},
	{engine.KindEdited, "message_edited", []field{
		{1, "message", formID, 0, nil},
		{2, "body", formText, Replaced | gone, nil},
		{3, "mentions", formIDs, Replaced | Deleted, nil},
		{4, "everyone", formFlag, Replaced | Deleted, nil},
	}},
	{engine.KindDeleted, "message_deleted", []field{
		{1, "message", formID, 0, nil},
	}},
	{engine.KindReacted, "reaction_set", []field{
		{1, "message", formID, 0, nil},
		{2, "emoji", formText, 0, nil},
		{3, "remove", formFlag, 0, nil},
	}},
	{engine.KindRead, "read_marked", []field{
		{1, "message", formID, 0, nil},
	}},
}

var (
	byNumber [256]*kind
	byName   = map[string]*kind{}
)

func init() {
	for i := range table {
		k := &table[i]
		byNumber[k.number], byName[k.name] = k, k
	}
}

// keyed finds a field by its number.
func keyed(fields []field, key uint64) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

// named finds a field by its name.
func named(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// touches tells whether a fate leaves out any field of a kind.
func (k *kind) touches(f Fate) bool {
	for i := range k.fields {
		if k.fields[i].left&f != 0 {
			return true
		}
	}
	return false
}
