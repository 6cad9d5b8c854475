package api

import (
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

type newToken struct {
	Label     string `json:"label"`
	ExpiresIn int64  `json:"expires_in_s"`
}

type issuedToken struct {
	Token   string        `json:"token"`
	Session engine.SignIn `json:"session"`
}

func (s *server) listSessionsOf(r *request, user engine.ID) (reply, error) {
	items, err := s.engine.SessionsOf(r.who, user)
	return reply{status: http.StatusOK, body: newList(items, "")}, err
}

func (s *server) revokeSessionsOf(r *request, user engine.ID) (reply, error) {
	return done(s.engine.RevokeSessionsOf(r.Context(), r.who, user))
}

func (s *server) revokeSessionOf(r *request, user engine.ID) (reply, error) {
	id, err := engine.ParseID(r.PathValue("session"))
	if err != nil {
		return reply{}, engine.ErrNotFound
	}
	return done(s.engine.RevokeSessionOf(r.Context(), r.who, user, id))
}

func (s *server) issueToken(r *request, user engine.ID) (reply, error) {
	b, err := decodeOptional[newToken](r)
	if err != nil {
		return reply{}, err
	}
	lifetime, err := lifetimeField("expires_in_s", b.ExpiresIn)
	if err != nil {
		return reply{}, err
	}
	token, session, receipt, err := s.engine.IssueToken(r.Context(), r.who, user, b.Label, lifetime)
	return wrote(http.StatusCreated, issuedToken{token, session}, receipt, err)
}

// mostSeconds is past what the engine takes, and no overflow of a Duration.
const mostSeconds = 1 << 32

// lifetimeField reads a number of seconds; zero is the engine's default.
func lifetimeField(field string, seconds int64) (time.Duration, error) {
	if seconds < 0 || seconds > mostSeconds {
		return 0, fieldError(field, "malformed", field+" must be a number of seconds from now")
	}
	return time.Duration(seconds) * time.Second, nil
}
