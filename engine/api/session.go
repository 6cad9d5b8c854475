package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type registration struct {
	Username    string `json:"username"`
	Password    string `json:"password"`
	DisplayName string `json:"display_name"`
	Invite      string `json:"invite"`
}

type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type signedIn struct {
	User  engine.User `json:"user"`
	Token string      `json:"token"`
}

func (s *server) register(r *request) (reply, error) {
	b, err := decode[registration](r)
	if err != nil {
		return reply{}, err
	}
	u, token, receipt, err := s.engine.Register(r.Context(), engine.Registering{
		Username: b.Username, Password: b.Password, DisplayName: b.DisplayName, Invite: b.Invite, Agent: r.UserAgent(),
	})
	return reply{status: http.StatusCreated, body: signedIn{u, token}, receipt: receipt, signIn: token}, err
}

// login promises no write (see engine.SignIn), but its answer has a position: a node that has not
// seen the account yet would refuse the token.
func (s *server) login(r *request) (reply, error) {
	b, err := decode[login](r)
	if err == nil {
		err = s.limits().signIn(b.Username)
	}
	if err != nil {
		return reply{}, err
	}
	u, token, err := s.engine.Login(r.Context(), b.Username, b.Password, r.UserAgent())
	s.signIns.count(err)
	return reply{status: http.StatusOK, body: signedIn{u, token}, receipt: engine.Receipt{Position: s.engine.Position()}, signIn: token}, err
}

func (s *server) logout(r *request) (reply, error) {
	receipt, err := s.engine.Logout(r.Context(), r.who)
	return reply{status: http.StatusNoContent, receipt: receipt, signOut: true}, err
}
