package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type newInvite struct {
	Admin bool `json:"admin"`
}

type invite struct {
	Invite    string      `json:"invite"`
	ExpiresAt engine.Time `json:"expires_at"`
}

// createInvite only signs a token; its position makes sure that a node which
// is asked to take it knows the key of this one.
func (s *server) createInvite(r *request) (reply, error) {
	b, err := decodeOptional[newInvite](r)
	if err != nil {
		return reply{}, err
	}
	token, expires, err := s.engine.Invite(r.who, b.Admin)
	return wrote(http.StatusCreated, invite{token, engine.Time(expires.UnixMilli())}, engine.Receipt{Position: s.engine.Position()}, err)
}
