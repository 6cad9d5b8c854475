package api

import (
	"net/http"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

type newBan struct {
	User    string       `json:"user"`
	Network string       `json:"network"`
	Reason  string       `json:"reason"`
	Until   *engine.Time `json:"until"`
}

func (s *server) listBans(r *request) (reply, error) {
	items, err := s.engine.Bans(r.who)
	return reply{status: http.StatusOK, body: newList(items, "")}, err
}

func (s *server) addBan(r *request) (reply, error) {
	b, err := decode[newBan](r)
	if err != nil {
		return reply{}, err
	}
	ban, err := s.banned(b.User, b.Network)
	if err != nil {
		return reply{}, unknownIn("user", err)
	}
	ban.Reason = b.Reason
	if ban.Until, err = givenTime("until", b.Until); err != nil {
		return reply{}, err
	}
	receipt, err := s.engine.Ban(r.Context(), r.who, ban)
	if err != nil {
		return reply{}, err
	}
	made, err := s.banAsMade(r.who, ban)
	return wrote(http.StatusCreated, made, receipt, err)
}

func (s *server) removeBan(r *request) (reply, error) {
	q, err := r.parameters()
	if err != nil {
		return reply{}, err
	}
	ban, err := s.banned(q.Get("user"), q.Get("network"))
	if err != nil {
		return reply{}, err
	}
	return done(s.engine.Unban(r.Context(), r.who, ban))
}

// banned says who is meant: one user, or one network.
func (s *server) banned(user, network string) (ban engine.Ban, err error) {
	if (user == "") == (network == "") {
		return ban, fieldError("user", "required", "name either a user or a network")
	}
	if network != "" {
		p, err := engine.ParseNetwork(network)
		return engine.Ban{Network: p.String()}, err
	}
	u, err := s.engine.FindUser(user)
	ban.User = u.ID
	return ban, err
}

// banAsMade is the ban as it stands in the list now.
func (s *server) banAsMade(who *engine.Identity, b engine.Ban) (engine.Ban, error) {
	all, err := s.engine.Bans(who)
	if err != nil {
		return b, err
	}
	i := slices.IndexFunc(all, func(x engine.Ban) bool { return x.User == b.User && x.Network == b.Network })
	if i < 0 {
		return b, engine.ErrNotFound // lifted since
	}
	return all[i], nil
}
