package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type profileChange struct {
	DisplayName     *string `json:"display_name"`
	Password        *string `json:"password"`
	CurrentPassword string  `json:"current_password"`
}

// me is a user, with the new token after a change of the password.
type me struct {
	engine.User
	Token string `json:"token,omitempty"`
}

func (s *server) getMe(r *request) (reply, error) {
	u, err := s.engine.Store().User(r.who.User)
	if err != nil {
		return reply{}, err
	}
	return answer(u)
}

func (s *server) updateMe(r *request) (reply, error) {
	b, err := decode[profileChange](r)
	if err != nil {
		return reply{}, err
	}
	u, token, receipt, err := s.engine.UpdateMe(r.Context(), r.who, engine.ProfileChange{
		DisplayName: b.DisplayName, Password: b.Password, CurrentPassword: b.CurrentPassword,
	})
	return reply{status: http.StatusOK, body: me{u, token}, receipt: receipt, signIn: token}, err
}

func (s *server) getUser(r *request) (reply, error) {
	u, err := s.engine.FindUser(r.PathValue("user"))
	if err != nil {
		return reply{}, err
	}
	return answer(u)
}
