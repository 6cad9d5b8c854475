package api

import (
	"errors"
	"fmt"
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

// roomView is room for views.
func roomView(do func(*server, *request, engine.Room) (view, error)) viewOf {
	return func(s *server, r *request) (view, error) {
		id, err := s.engine.FindRoom(r.PathValue("room"))
		if err != nil {
			return view{}, err
		}
		room, err := s.engine.Readable(r.who, id)
		if err != nil {
			return view{}, err
		}
		return do(s, r, room)
	}
}

func (s *server) viewRooms(r *request) (view, error) {
	q, err := r.parameters()
	if err != nil {
		return view{}, err
	}
	switch q.Get("filter") {
	case "", "joined":
		return s.viewJoined(r)
	case "public":
		return s.viewPublic(r)
	}
	return view{}, fieldError("filter", "unknown", "filter must be joined or public")
}

func (s *server) viewJoined(r *request) (view, error) {
	after, n, err := r.idListRange()
	return view{key: fmt.Sprint("joined ", after, n), read: func(plain bool) (reading, error) {
		marks, err := s.markJoined(r.who.User, after, n, plain)
		if err != nil {
			return reading{}, err
		}
		return s.readJoined(r.who, after, n, marks)
	}}, err
}

// markJoined marks a user's list of rooms, and the rooms that are in it.
func (s *server) markJoined(user, after engine.ID, n int, plain bool) ([]engine.Mark, error) {
	if plain {
		return nil, nil
	}
	marks := s.mark(engine.About(engine.AboutRoomsOf, user, engine.ID{}))
	ms, err := s.engine.Store().RoomsOf(user, after, n+1)
	for _, m := range ms {
		marks = append(marks, s.markRoom(m.Room, user)...)
	}
	return marks, err
}

func (s *server) readJoined(who *engine.Identity, after engine.ID, n int, marks []engine.Mark) (reading, error) {
	rooms, next, err := s.engine.JoinedRooms(who.User, after, n)
	if err != nil {
		return reading{}, err
	}
	cursor := ""
	if !next.IsZero() {
		cursor = next.String()
	}
	return reading{body: newList(rooms, cursor), links: listLink("", n, cursor), marks: marks}, nil
}

func (s *server) viewPublic(r *request) (view, error) {
	after, n, err := r.listRange()
	return view{key: fmt.Sprint("public ", n, " ", after), read: func(plain bool) (reading, error) {
		marks, err := s.markPublic(r.who.User, after, n, plain)
		if err != nil {
			return reading{}, err
		}
		return s.readPublic(r.who, after, n, marks)
	}}, err
}

// markPublic is markJoined for the public rooms.
func (s *server) markPublic(user engine.ID, after string, n int, plain bool) ([]engine.Mark, error) {
	if plain {
		return nil, nil
	}
	marks := s.mark(engine.About(engine.AboutPublic, engine.ID{}, engine.ID{}))
	listed, _, err := s.engine.Store().PublicRooms(after, n)
	for i := range listed {
		marks = append(marks, s.markRoom(listed[i].ID, user)...)
	}
	return marks, err
}

func (s *server) readPublic(who *engine.Identity, after string, n int, marks []engine.Mark) (reading, error) {
	rooms, next, err := s.engine.PublicRooms(who, after, n)
	if err != nil {
		return reading{}, err
	}
	return reading{body: newList(rooms, next), links: listLink("filter=public&", n, next), marks: marks}, nil
}

// markRoom marks what a room looks like to one user.
func (s *server) markRoom(room, user engine.ID) []engine.Mark {
	return s.mark(
		engine.About(engine.AboutRoom, room, engine.ID{}), engine.About(engine.AboutRole, room, user),
		engine.About(engine.AboutContent, room, engine.ID{}), engine.About(engine.AboutMarker, room, user))
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

func (s *server) viewRoom(r *request, room engine.Room) (view, error) {
	return view{key: string(room.ID[:]), read: func(bool) (reading, error) {
		marks := s.markRoom(room.ID, r.who.User)
		v, err := s.engine.Room(r.who, room.ID)
		return reading{body: v, marks: marks}, err
	}}, nil
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
