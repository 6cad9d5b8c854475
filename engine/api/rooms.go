package api

import (
	"errors"
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type newRoom struct {
	Name    string `json:"name"`
	Topic   string `json:"topic"`
	Private bool   `json:"private"`
}

type roomChange struct {
	Name    *string `json:"name"`
	Topic   *string `json:"topic"`
	Private *bool   `json:"private"`
}

type directRoom struct {
	Users []string `json:"users"`
}

// room makes a route's function of one that needs the room of the path.
// Whether the caller may see it, the engine decides.
func room(do func(*server, *request, engine.ID) (reply, error)) func(*server, *request) (reply, error) {
	return func(s *server, r *request) (reply, error) {
		id, err := s.engine.FindRoom(r.PathValue("room"))
		if err != nil {
			return reply{}, err
		}
		return do(s, r, id)
	}
}

func (s *server) listRooms(r *request) (reply, error) {
	q, err := r.parameters()
	if err != nil {
		return reply{}, err
	}
	switch q.Get("filter") {
	case "", "joined":
		return s.joinedRooms(r)
	case "public":
		return s.publicRooms(r)
	}
	return reply{}, fieldError("filter", "unknown", "filter must be joined or public")
}

func (s *server) joinedRooms(r *request) (reply, error) {
	after, n, err := r.idListRange()
	if err != nil {
		return reply{}, err
	}
	rooms, next, err := s.engine.JoinedRooms(r.who.User, after, n)
	if err != nil {
		return reply{}, err
	}
	cursor := ""
	if !next.IsZero() {
		cursor = next.String()
	}
	return answer(newList(rooms, cursor))
}

func (s *server) publicRooms(r *request) (reply, error) {
	after, n, err := r.listRange()
	if err != nil {
		return reply{}, err
	}
	rooms, next, err := s.engine.PublicRooms(r.who, after, n)
	if err != nil {
		return reply{}, err
	}
	return answer(newList(rooms, next))
}

func (s *server) createRoom(r *request) (reply, error) {
	b, err := decode[newRoom](r)
	if err != nil {
		return reply{}, err
	}
	v, receipt, err := s.engine.CreateRoom(r.Context(), r.who, engine.NewRoom{Name: b.Name, Topic: b.Topic, Private: b.Private})
	return wrote(http.StatusCreated, v, receipt, err)
}

// maxUsersNamed bounds the look-ups of one request; how many a direct room may have, the engine says.
const maxUsersNamed = 100

func (s *server) openDirectRoom(r *request) (reply, error) {
	b, err := decode[directRoom](r)
	if err != nil {
		return reply{}, err
	}
	if len(b.Users) > maxUsersNamed {
		return reply{}, fieldError("users", "too_long", "too many users are named")
	}
	users := make([]engine.ID, 0, len(b.Users))
	for _, ref := range b.Users {
		u, err := s.engine.FindUser(ref)
		if errors.Is(err, engine.ErrNotFound) {
			err = fieldError("users", "unknown", "there is no such user among users")
		}
		if err != nil {
			return reply{}, err
		}
		users = append(users, u.ID)
	}
	v, receipt, err := s.engine.DirectRoom(r.Context(), r.who, users)
	return wrote(http.StatusOK, v, receipt, err)
}

func (s *server) getRoom(r *request, room engine.ID) (reply, error) {
	v, err := s.engine.Room(r.who, room)
	if err != nil {
		return reply{}, err
	}
	return answer(v)
}

func (s *server) updateRoom(r *request, room engine.ID) (reply, error) {
	b, err := decode[roomChange](r)
	if err != nil {
		return reply{}, err
	}
	v, receipt, err := s.engine.UpdateRoom(r.Context(), r.who, room, engine.RoomChange{Name: b.Name, Topic: b.Topic, Private: b.Private})
	return wrote(http.StatusOK, v, receipt, err)
}

func (s *server) deleteRoom(r *request, room engine.ID) (reply, error) {
	return done(s.engine.DeleteRoom(r.Context(), r.who, room))
}

func (s *server) joinRoom(r *request, room engine.ID) (reply, error) {
	v, receipt, err := s.engine.Join(r.Context(), r.who, room)
	return wrote(http.StatusOK, v, receipt, err)
}

func (s *server) leaveRoom(r *request, room engine.ID) (reply, error) {
	return done(s.engine.Leave(r.Context(), r.who, room))
}
