package client

import "time"

// User is an account.
type User struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Role        string `json:"role"`
	Bot         bool   `json:"bot"`
}

// Room is a room; from Role on as the user sees it.
type Room struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Topic    string `json:"topic"`
	Private  bool   `json:"private"`
	Direct   bool   `json:"direct"`
	Members  int    `json:"members"`
	Archived bool   `json:"archived"`
	Role     string `json:"role"`
	Last     *Last  `json:"last"`
	Unread   int    `json:"unread"`
	Mentions int    `json:"mentions"`
	LastRead string `json:"last_read"`
}

// Last names the newest message of a room.
type Last struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// Message is a message.
type Message struct {
	ID          string       `json:"id"`
	Room        string       `json:"room"`
	User        string       `json:"user"`
	Body        string       `json:"body"`
	At          time.Time    `json:"at"`
	Nonce       string       `json:"nonce"`
	ReplyTo     string       `json:"reply_to"`
	EditedAt    time.Time    `json:"edited_at"`
	Deleted     bool         `json:"deleted"`
	Reactions   []Reacted    `json:"reactions"`
	Attachments []Attachment `json:"attachments"`
	Mentions    []string     `json:"mentions"`
	Everyone    bool         `json:"everyone"`
}

// Reacted is how many users reacted with one emoji, and whether this one did.
type Reacted struct {
	Emoji string `json:"emoji"`
	Count int    `json:"count"`
	Me    bool   `json:"me"`
}

// Attachment is a file that a message shows.
type Attachment struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
	Type string `json:"type"`
}

// Page is a page of messages, oldest first. Prev and Next are empty at the ends.
type Page struct {
	Items []Message
	Prev  string // pass as Range.Before
	Next  string // pass as Range.After
}
