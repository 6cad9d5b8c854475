package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type newInvitation struct {
	Admin     bool   `json:"admin"`
	Note      string `json:"note"`
	ExpiresIn int64  `json:"expires_in_s"`
}

type madeInvitation struct {
	invite
	Invitation engine.Invitation `json:"invitation"`
}

func (s *server) listInvitations(r *request) (reply, error) {
	items, err := s.engine.Invites(r.who)
	return reply{status: http.StatusOK, body: newList(items, "")}, err
}

func (s *server) addInvitation(r *request) (reply, error) {
	b, err := decodeOptional[newInvitation](r)
	if err != nil {
		return reply{}, err
	}
	lifetime, err := lifetimeField("expires_in_s", b.ExpiresIn)
	if err != nil {
		return reply{}, err
	}
	token, i, receipt, err := s.engine.MakeInvite(r.Context(), r.who, b.Admin, b.Note, lifetime)
	return wrote(http.StatusCreated, madeInvitation{invite{token, i.ExpiresAt}, i}, receipt, err)
}

func (s *server) revokeInvitation(r *request) (reply, error) {
	id, err := engine.ParseID(r.PathValue("invite"))
	if err != nil {
		return reply{}, engine.ErrNotFound
	}
	return done(s.engine.RevokeInvite(r.Context(), r.who, id))
}
