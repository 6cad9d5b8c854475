package client

import (
	"context"
	"crypto/rand"
	"time"
)

// Post is a message to be posted. Room is an id or a name.
type Post struct {
	Room    string
	Body    string
	Nonce   string // makes a repeat harmless, for a day; one is made where none is given
	ReplyTo string
}

// Posted is a message that the server has stored.
type Posted struct {
	ID         string
	At         time.Time
	Position   string // for Klatch-After: reads with it see the message on any node
	Durability Durability
}

// Durability says where a write was stored, synced, when it was acknowledged.
type Durability string

// The levels, each implying those before it.
const (
	DurableLocal    Durability = "local"    // the node that answered
	DurableOne      Durability = "one"      // and at least one peer
	DurableMajority Durability = "majority" // more than half of all members
)

// Receipt says what a write has come to.
type Receipt struct {
	Position   string // for Klatch-After: reads with it see the write on any node
	Durability Durability
}

// Range selects a page of history: at most one of Before, After and Around;
// none is the newest page.
type Range struct {
	Before, After, Around string
	Limit                 int // 1 to 200; 0 is the server's default, 50
}

// Post stores a message. When ctx ends first it may still be stored: a repeat
// with the same nonce finds out.
func (c *Client) Post(ctx context.Context, p Post) (Posted, error) {
	r, err := c.call(ctx, p.request(), true)
	if err != nil {
		return Posted{}, err
	}
	return r.posted(), nil
}

// PostAsync is Post for many at a time. done is called once, unless PostAsync
// returns an error; it runs on the reading goroutine and must not block.
func (c *Client) PostAsync(p Post, done func(Posted, error)) error {
	_, err := c.start(p.request(), true, func(r *reply, err error) {
		if err != nil {
			done(Posted{}, err)
			return
		}
		done(r.posted(), nil)
	})
	return err
}

func (p Post) request() request {
	if p.Nonce == "" {
		p.Nonce = rand.Text()
	}
	return request{Type: "post", Room: p.Room, Body: p.Body, Nonce: p.Nonce, ReplyTo: p.ReplyTo}
}

func (r *reply) posted() Posted { return Posted{r.ID, r.At, r.Position, r.Durability} }

// write runs a call whose result is where its write stands.
func (c *Client) write(ctx context.Context, r request) (Receipt, error) {
	a, err := c.call(ctx, r, false)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{a.Position, a.Durability}, nil
}

// Edit replaces the body of an own message.
func (c *Client) Edit(ctx context.Context, id, body string) (Receipt, error) {
	return c.write(ctx, request{Type: "edit", ID: id, Body: body})
}

// Delete takes a message away.
func (c *Client) Delete(ctx context.Context, id string) (Receipt, error) {
	return c.write(ctx, request{Type: "delete", ID: id})
}

// React adds a reaction, or removes it.
func (c *Client) React(ctx context.Context, id, emoji string, remove bool) (Receipt, error) {
	return c.write(ctx, request{Type: "react", ID: id, Emoji: emoji, Remove: remove})
}

// Join makes the user a member of a room.
func (c *Client) Join(ctx context.Context, room string) (Room, error) {
	a, err := c.call(ctx, request{Type: "join", Room: room}, false)
	if err != nil {
		return Room{}, err
	}
	return a.Room, nil
}

// Leave ends the membership.
func (c *Client) Leave(ctx context.Context, room string) (Receipt, error) {
	return c.write(ctx, request{Type: "leave", Room: room})
}

// History returns a page of a room.
func (c *Client) History(ctx context.Context, room string, r Range) (Page, error) {
	a, err := c.call(ctx, request{
		Type: "history", Room: room, Before: r.Before, After: r.After, Around: r.Around, Limit: r.Limit,
	}, false)
	if err != nil {
		return Page{}, err
	}
	return Page{a.Items, a.Prev, a.Next}, nil
}

// Read moves the user's read marker.
func (c *Client) Read(ctx context.Context, room, id string) (Receipt, error) {
	return c.write(ctx, request{Type: "read", Room: room, ID: id})
}

// Typing tells a room that the user types.
func (c *Client) Typing(ctx context.Context, room string) error {
	_, err := c.call(ctx, request{Type: "typing", Room: room}, false)
	return err
}

// Presence sets how the user wants to be seen: online, away or busy.
func (c *Client) Presence(ctx context.Context, status string) error {
	_, err := c.call(ctx, request{Type: "presence", Status: status}, false)
	return err
}

// Signal sends an application's own event to a room's sessions. Byte slices
// in data stay bytes between CBOR clients and are base64 to JSON ones.
func (c *Client) Signal(ctx context.Context, room, name string, data any) error {
	_, err := c.call(ctx, request{Type: "signal", Room: room, Name: name, Data: data}, false)
	return err
}

// Ping asks for an answer and returns how long it took.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	_, err := c.call(ctx, request{Type: "ping"}, false)
	return time.Since(start), err
}
