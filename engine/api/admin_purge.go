package api

import (
	"errors"
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type purgeRequest struct {
	User   string      `json:"user"`
	Room   string      `json:"room"`
	After  engine.Time `json:"after"`
	Before engine.Time `json:"before"`
	DryRun bool        `json:"dry_run"`
	Cursor string      `json:"cursor"`
}

func (s *server) purge(r *request) (reply, error) {
	b, err := decode[purgeRequest](r)
	if err != nil {
		return reply{}, err
	}
	f, err := s.purgeFilter(b)
	if err != nil {
		return reply{}, err
	}
	step, receipt, err := s.engine.Purge(r.Context(), r.who, f, b.Cursor, b.DryRun)
	return wrote(http.StatusOK, step, receipt, err)
}

// purgeFilter finds what is named. A name that nobody has must not become "any".
func (s *server) purgeFilter(b purgeRequest) (f engine.PurgeFilter, err error) {
	f.After, f.Before = b.After, b.Before
	if b.User != "" {
		u, err := s.engine.FindUser(b.User)
		if err != nil {
			return f, unknownIn("user", err)
		}
		f.User = u.ID
	}
	if b.Room != "" {
		if f.Room, err = s.engine.FindRoom(b.Room); err != nil {
			return f, unknownIn("room", err)
		}
	}
	return f, nil
}

// unknownIn names the field of the body that names nothing.
func unknownIn(field string, err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return fieldError(field, "unknown", "there is no such "+field)
	}
	return err
}
