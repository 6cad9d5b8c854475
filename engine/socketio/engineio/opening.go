package engineio

import "encoding/json"

// opening is the handshake, the packet that begins a session.
type opening struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int64    `json:"pingInterval"` // milliseconds
	PingTimeout  int64    `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func (s *Session) opening() []byte {
	c := s.server.config
	o := opening{s.id, []string{transportWebSocket}, c.PingInterval.Milliseconds(), c.PingTimeout.Milliseconds(), c.MaxPayload}
	if s.direct {
		o.Upgrades = []string{}
	}
	text, _ := json.Marshal(o) // plain fields
	return frameOf(typeOpen, string(text))
}
