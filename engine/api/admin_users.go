package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type newAccount struct {
	Username    string `json:"username"`
	Password    string `json:"password"`
	DisplayName string `json:"display_name"`
	Role        string `json:"role"`
	Bot         bool   `json:"bot"`
}

type accountChange struct {
	Username    *string `json:"username"`
	DisplayName *string `json:"display_name"`
	Password    *string `json:"password"`
	Role        *string `json:"role"`
	Disabled    *bool   `json:"disabled"`
}

// account makes a route's function of one that needs the user of the path.
func account(do func(*server, *request, engine.ID) (reply, error)) func(*server, *request) (reply, error) {
	return func(s *server, r *request) (reply, error) {
		u, err := s.engine.FindUser(r.PathValue("user"))
		if err != nil {
			return reply{}, err
		}
		return do(s, r, u.ID)
	}
}

// isAdmin reads the server's role.
func isAdmin(role string) (bool, error) {
	switch role {
	case "admin":
		return true, nil
	case "user":
		return false, nil
	}
	return false, fieldError("role", "unknown", "role must be admin or user")
}

// idPage answers a page of a list whose cursor is an id.
func idPage[T any](r *request, read func(after engine.ID, n int) ([]T, engine.ID, error)) (reply, error) {
	after, n, err := r.idListRange()
	if err != nil {
		return reply{}, err
	}
	items, next, err := read(after, n)
	if err != nil {
		return reply{}, err
	}
	cursor := ""
	if !next.IsZero() {
		cursor = next.String()
	}
	return reply{status: http.StatusOK, body: newList(items, cursor), links: listLink("", n, cursor)}, nil
}

func (s *server) listAccounts(r *request) (reply, error) {
	return idPage(r, func(after engine.ID, n int) ([]engine.Account, engine.ID, error) {
		return s.engine.Accounts(r.who, after, n)
	})
}

func (s *server) showAccount(r *request, user engine.ID) (reply, error) {
	a, err := s.engine.Account(r.who, user)
	return reply{status: http.StatusOK, body: a}, err
}

func (s *server) addAccount(r *request) (reply, error) {
	b, err := decode[newAccount](r)
	if err != nil {
		return reply{}, err
	}
	n := engine.NewAccount{Username: b.Username, Password: b.Password, DisplayName: b.DisplayName, Bot: b.Bot}
	if b.Role != "" {
		if n.Admin, err = isAdmin(b.Role); err != nil {
			return reply{}, err
		}
	}
	a, receipt, err := s.engine.AddAccount(r.Context(), r.who, n)
	return wrote(http.StatusCreated, a, receipt, err)
}

func (s *server) changeAccount(r *request, user engine.ID) (reply, error) {
	b, err := decode[accountChange](r)
	if err != nil {
		return reply{}, err
	}
	c := engine.AccountChange{Username: b.Username, DisplayName: b.DisplayName, Password: b.Password, Disabled: b.Disabled}
	if b.Role != nil {
		admin, err := isAdmin(*b.Role)
		if err != nil {
			return reply{}, err
		}
		c.Admin = &admin
	}
	a, receipt, err := s.engine.ChangeAccount(r.Context(), r.who, user, c)
	return wrote(http.StatusOK, a, receipt, err)
}

func (s *server) deleteAccount(r *request, user engine.ID) (reply, error) {
	return done(s.engine.DeleteAccount(r.Context(), r.who, user))
}
