package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type memberRole struct {
	Role string `json:"role"`
}

func (s *server) listMembers(r *request, room engine.ID) (reply, error) {
	after, n, err := r.idListRange()
	if err != nil {
		return reply{}, err
	}
	members, more, err := s.engine.Members(r.who, room, after, n)
	if err != nil {
		return reply{}, err
	}
	next := ""
	if more {
		next = members[len(members)-1].ID.String()
	}
	return reply{status: http.StatusOK, body: newList(members, next), links: listLink("", n, next)}, nil
}

func (s *server) setMember(r *request, room engine.ID) (reply, error) {
	role, err := roleBody(r)
	if err != nil {
		return reply{}, err
	}
	u, err := s.engine.FindUser(r.PathValue("user"))
	if err != nil {
		return reply{}, err
	}
	return done(s.engine.SetMember(r.Context(), r.who, room, u.ID, role))
}

// roleBody reads which role is to be given.
func roleBody(r *request) (role engine.Role, err error) {
	b, err := decode[memberRole](r)
	if err == nil {
		err = role.UnmarshalText([]byte(b.Role))
	}
	return role, err
}

func (s *server) removeMember(r *request, room engine.ID) (reply, error) {
	u, err := s.engine.FindUser(r.PathValue("user"))
	if err != nil {
		return reply{}, err
	}
	return done(s.engine.RemoveMember(r.Context(), r.who, room, u.ID))
}
