package api

import (
	"errors"
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type purgeRequest struct {
	User   *string      `json:"user"`
	Room   *string      `json:"room"`
	After  *engine.Time `json:"after"`
	Before *engine.Time `json:"before"`
	DryRun bool         `json:"dry_run"`
	Cursor string       `json:"cursor"`
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

// purgeFilter finds what is named. A name that nobody has must not become "any",
// nor an empty one, which is what a script's unset variable gives, nor a time of zero.
func (s *server) purgeFilter(b purgeRequest) (f engine.PurgeFilter, err error) {
	if b.User != nil {
		u, err := s.engine.FindUser(*b.User)
		if err != nil {
			return f, unknownIn("user", err)
		}
		f.User = u.ID
	}
	if b.Room != nil {
		if f.Room, err = s.engine.FindRoom(*b.Room); err != nil {
			return f, unknownIn("room", err)
		}
	}
	if f.After, err = givenTime("after", b.After); err == nil {
		f.Before, err = givenTime("before", b.Before)
	}
	return f, err
}

// givenTime is a time that may be absent; no time that is given must be taken for none.
func givenTime(field string, t *engine.Time) (engine.Time, error) {
	if t == nil {
		return 0, nil
	}
	if *t <= 0 {
		return 0, fieldError(field, "malformed", field+" must be later than 1970-01-01T00:00:00Z")
	}
	return *t, nil
}

// unknownIn names the field of the body that names nothing.
func unknownIn(field string, err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return fieldError(field, "unknown", "there is no such "+field)
	}
	return err
}
