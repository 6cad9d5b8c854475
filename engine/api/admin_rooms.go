package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type newAdminRoom struct {
	Name    string `json:"name"`
	Topic   string `json:"topic"`
	Private bool   `json:"private"`
	Owner   string `json:"owner"`
}

type adminRoomChange struct {
	Archived *bool `json:"archived"`
}

func (s *server) listAllRooms(r *request) (reply, error) {
	return idPage(r, func(after engine.ID, n int) ([]engine.AdminRoom, engine.ID, error) {
		return s.engine.AllRooms(r.who, after, n)
	})
}

func (s *server) addAdminRoom(r *request) (reply, error) {
	b, err := decode[newAdminRoom](r)
	if err != nil {
		return reply{}, err
	}
	if b.Owner == "" {
		return reply{}, fieldError("owner", "required", "owner is missing: a user, who becomes the room's owner")
	}
	owner, err := s.engine.FindUser(b.Owner)
	if err != nil {
		return reply{}, unknownIn("owner", err)
	}
	v, receipt, err := s.engine.AdminCreateRoom(r.Context(), r.who, owner.ID, engine.NewRoom{Name: b.Name, Topic: b.Topic, Private: b.Private})
	return wrote(http.StatusCreated, v, receipt, err)
}

func (s *server) showAdminRoom(r *request, room engine.ID) (reply, error) {
	v, err := s.engine.AdminRoom(r.who, room)
	return reply{status: http.StatusOK, body: v}, err
}

func (s *server) changeAdminRoom(r *request, room engine.ID) (reply, error) {
	b, err := decode[adminRoomChange](r)
	if err != nil {
		return reply{}, err
	}
	if b.Archived == nil {
		return reply{}, fieldError("archived", "required", "archived is missing: true or false")
	}
	receipt, err := s.engine.ArchiveRoom(r.Context(), r.who, room, *b.Archived)
	if err != nil {
		return reply{}, err
	}
	v, err := s.engine.AdminRoom(r.who, room)
	return wrote(http.StatusOK, v, receipt, err)
}

func (s *server) deleteAdminRoom(r *request, room engine.ID) (reply, error) {
	return done(s.engine.AdminDeleteRoom(r.Context(), r.who, room))
}
