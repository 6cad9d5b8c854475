package api

import (
	"github.com/klatch-chat/klatch/engine"
)

func (s *server) listAdminMembers(r *request, room engine.ID) (reply, error) {
	return idPage(r, func(after engine.ID, n int) ([]engine.Member, engine.ID, error) {
		return s.engine.AdminMembers(r.who, room, after, n)
	})
}

func (s *server) setAdminMember(r *request, room engine.ID) (reply, error) {
	role, err := roleBody(r)
	if err != nil {
		return reply{}, err
	}
	if role == engine.RoleNone {
		return reply{}, fieldError("role", "required", "role must be owner, moderator or member")
	}
	return s.giveRole(r, room, role)
}

func (s *server) removeAdminMember(r *request, room engine.ID) (reply, error) {
	return s.giveRole(r, room, engine.RoleNone)
}

func (s *server) giveRole(r *request, room engine.ID, role engine.Role) (reply, error) {
	u, err := s.engine.FindUser(r.PathValue("user"))
	if err != nil {
		return reply{}, err
	}
	return done(s.engine.AdminSetMember(r.Context(), r.who, room, u.ID, role))
}
