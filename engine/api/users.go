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

// userView is an account.
func (s *server) userView(id engine.ID) view {
	return view{key: string(id[:]), shared: true, read: func(bool) (reading, error) {
		marks := s.mark(engine.About(engine.AboutUser, id, engine.ID{}))
		u, err := s.engine.Store().User(id)
		return reading{body: u, marks: marks}, err
	}}
}

func (s *server) viewMe(r *request) (view, error) { return s.userView(r.who.User), nil }

func (s *server) viewUser(r *request) (view, error) {
	u, err := s.engine.FindUser(r.PathValue("user"))
	return s.userView(u.ID), err
}

func (s *server) updateMe(r *request) (reply, error) {
	b, err := decode[profileChange](r)
	if err == nil && b.Password != nil {
		err = s.limits().changePassword(r.who.User) // a stolen token does not help to guess the password
	}
	if err != nil {
		return reply{}, err
	}
	u, token, receipt, err := s.engine.UpdateMe(r.Context(), r.who, engine.ProfileChange{
		DisplayName: b.DisplayName, Password: b.Password, CurrentPassword: b.CurrentPassword, Agent: r.UserAgent(),
	})
	return reply{status: http.StatusOK, body: me{u, token}, receipt: receipt, signIn: token}, err
}
