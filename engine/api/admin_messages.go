package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// messageAlone makes a route's function of one that needs the message of the path, whatever its room.
func messageAlone(do func(*server, *request, engine.ID) (reply, error)) func(*server, *request) (reply, error) {
	return func(s *server, r *request) (reply, error) {
		id, err := engine.ParseID(r.PathValue("id"))
		if err != nil {
			return reply{}, engine.ErrNotFound
		}
		return do(s, r, id)
	}
}

func (s *server) showAdminMessage(r *request, id engine.ID) (reply, error) {
	m, err := s.engine.AdminMessage(r.who, id)
	return reply{status: http.StatusOK, body: m}, err
}

func (s *server) deleteAdminMessage(r *request, id engine.ID) (reply, error) {
	return done(s.engine.AdminDeleteMessage(r.Context(), r.who, id))
}
