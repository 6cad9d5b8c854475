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

func (s *server) createInvite(r *request) (reply, error) {
	b, err := decodeOptional[newInvite](r)
	if err != nil {
		return reply{}, err
	}
	token, made, receipt, err := s.engine.MakeInvite(r.Context(), r.who, b.Admin, "", 0)
	return wrote(http.StatusCreated, invite{token, made.ExpiresAt}, receipt, err)
}
