package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// listSessions is no view: what is listed depends on the time and on which token asks.
func (s *server) listSessions(r *request) (reply, error) {
	items, err := s.engine.Sessions(r.Context(), r.who)
	return reply{status: http.StatusOK, body: newList(items, "")}, err
}

// revokeSession ends one; who ends the own one signs out.
func (s *server) revokeSession(r *request) (reply, error) {
	id, err := engine.ParseID(r.PathValue("session"))
	if err != nil {
		return reply{}, engine.ErrNotFound
	}
	receipt, err := s.engine.RevokeSession(r.Context(), r.who, id)
	return reply{status: http.StatusNoContent, receipt: receipt, signOut: id == r.who.Token}, err
}

func (s *server) revokeOthers(r *request) (reply, error) {
	return done(s.engine.RevokeOthers(r.Context(), r.who))
}
