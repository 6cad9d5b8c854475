package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type newMessage struct {
	Body    string `json:"body"`
	Nonce   string `json:"nonce"`
	ReplyTo string `json:"reply_to"`
}

type messageChange struct {
	Body string `json:"body"`
}

type readMark struct {
	ID string `json:"id"`
}

// message is room for routes that also name a message.
func message(do func(s *server, r *request, room, id engine.ID) (reply, error)) func(*server, *request) (reply, error) {
	return room(func(s *server, r *request, room engine.ID) (reply, error) {
		id, err := engine.ParseID(r.PathValue("id"))
		if err != nil {
			return reply{}, engine.ErrNotFound // a path that names nothing
		}
		return do(s, r, room, id)
	})
}

func (s *server) postMessage(r *request, room engine.ID) (reply, error) {
	b, err := decode[newMessage](r)
	if err != nil {
		return reply{}, err
	}
	replyTo, err := idField("reply_to", b.ReplyTo)
	if err != nil {
		return reply{}, err
	}
	m, receipt, err := s.engine.Post(r.Context(), r.who, engine.NewMessage{Room: room, Body: b.Body, Nonce: b.Nonce, ReplyTo: replyTo})
	return wrote(http.StatusCreated, m, receipt, err)
}

func (s *server) editMessage(r *request, room, id engine.ID) (reply, error) {
	b, err := decode[messageChange](r)
	if err != nil {
		return reply{}, err
	}
	m, receipt, err := s.engine.Edit(r.Context(), r.who, room, id, b.Body)
	return wrote(http.StatusOK, m, receipt, err)
}

func (s *server) deleteMessage(r *request, room, id engine.ID) (reply, error) {
	return done(s.engine.Delete(r.Context(), r.who, room, id))
}

func (s *server) addReaction(r *request, room, id engine.ID) (reply, error) {
	return done(s.engine.React(r.Context(), r.who, room, id, r.PathValue("emoji"), false))
}

func (s *server) removeReaction(r *request, room, id engine.ID) (reply, error) {
	return done(s.engine.React(r.Context(), r.who, room, id, r.PathValue("emoji"), true))
}

func (s *server) markRead(r *request, room engine.ID) (reply, error) {
	b, err := decode[readMark](r)
	if err != nil {
		return reply{}, err
	}
	id, err := idField("id", b.ID)
	if err == nil && id.IsZero() {
		err = fieldError("id", "required", "id is missing: name the newest message that was read")
	}
	if err != nil {
		return reply{}, err
	}
	return done(s.engine.MarkRead(r.Context(), r.who, room, id))
}
