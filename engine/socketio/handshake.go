package socketio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Handshake is how a client came.
type Handshake struct {
	Auth    json.RawMessage // what the client gave as auth, an object; "{}" if nothing
	Query   url.Values      // of the request that began the session
	Header  http.Header     // likewise; not to be changed
	Address string          // the other end of its HTTP connection, which may be a proxy
	Time    time.Time       // when
}

// Handshake is how the client came.
func (s *Socket) Handshake() *Handshake {
	r := s.session.Request()
	return &Handshake{Auth: s.auth, Query: r.Query, Header: r.Header, Address: r.RemoteAddr, Time: r.Time}
}

// engineKeys are the query's keys that are Engine.IO's own.
var engineKeys = []string{"EIO", "transport", "sid", "t", "j", "b64"}

// queryAuth is what a client of Socket.IO v2, which knows no auth, gives instead.
func queryAuth(query url.Values) json.RawMessage {
	auth := make(map[string]string, len(query))
	for key, values := range query {
		if len(values) > 0 {
			auth[key] = values[0]
		}
	}
	for _, key := range engineKeys {
		delete(auth, key)
	}
	encoded, err := json.Marshal(auth)
	if err != nil {
		return emptyAuth
	}
	return encoded
}

var emptyAuth = json.RawMessage("{}")
