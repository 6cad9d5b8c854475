package client

import (
	"time"
)

// request is a frame to the server: the fields of all types.
type request struct {
	Type string `json:"type"`
	Ref  int64  `json:"ref,omitempty"`

	Token  string `json:"token,omitempty"`
	Cursor string `json:"cursor,omitempty"`

	Room    string `json:"room,omitempty"`
	ID      string `json:"id,omitempty"`
	Body    string `json:"body,omitempty"`
	Nonce   string `json:"nonce,omitempty"`
	ReplyTo string `json:"reply_to,omitempty"`
	Emoji   string `json:"emoji,omitempty"`
	Remove  bool   `json:"remove,omitempty"`

	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Around string `json:"around,omitempty"`
	Limit  int    `json:"limit,omitempty"`

	Status string `json:"status,omitempty"`
	Name   string `json:"name,omitempty"`
	Data   any    `json:"data,omitempty"`
}

// reply is an answer: the fields of ack, error and pong.
type reply struct {
	Type string `json:"type"`
	Ref  int64  `json:"ref"`

	ID         string     `json:"id"`
	At         time.Time  `json:"at"`
	Position   string     `json:"position"`
	Durability Durability `json:"durability"`
	Room       Room       `json:"room"`
	Items      []Message  `json:"items"`
	Prev       string     `json:"prev"`
	Next       string     `json:"next"`

	Code         string       `json:"code"`
	Message      string       `json:"message"`
	RetryAfterMS int64        `json:"retry_after_ms"`
	Fields       []FieldError `json:"errors"`
}

// err is the refusal that a reply is; nil if it is none.
func (r *reply) err() error {
	if r.Type != TypeError {
		return nil
	}
	return &Error{
		Code: r.Code, Message: r.Message, Fields: r.Fields,
		RetryAfter: time.Duration(r.RetryAfterMS) * time.Millisecond,
	}
}
