package bench

import "net/http"

// Protocol speaks a server's public protocol over WebSocket. One value serves
// all clients of a run: what belongs to one is in Client.State. Its methods must
// not block. Those with a Client are called by that client's loop, one at a
// time, but for Post, which the pacer calls.
type Protocol interface {
	// Name is what reports call it.
	Name() string

	// Request is the path and the header of a client's handshake.
	Request(c *Client) (path string, header http.Header, err error)

	// Opened is called when the handshake is done. It sends what signs the client
	// in to its room, from where Client.Cursor says if that is not empty.
	Opened(c *Client)

	// Message takes one WebSocket message. It calls c.Ready once the client gets
	// its room's messages, c.Delivered for each of them, and c.Failed for errors.
	// The bytes are valid only during the call.
	Message(c *Client, data []byte)

	// Post sends body to the client's room. It returns false when the client is gone.
	Post(c *Client, body []byte) bool
}

// Paging is a Protocol that can load pages of history.
type Paging interface {
	Protocol
	// Page asks for the page of the client's room before a message; c.Answered follows, with ref.
	Page(c *Client, ref int64, before string) bool
}
