package realtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// restBodies are what calls send, by row and by route; see scene.fill for what stands for what.
var restBodies = map[string]string{
	"POST /api/v1/register":                                          `{"username":"$fresh","password":"correct horse"}`,
	"POST /api/v1/login":                                             `{"username":"$caller","password":"correct horse"}`,
	"PATCH /api/v1/me":                                               `{"display_name":"New"}`,
	"POST /api/v1/rooms":                                             `{"name":"$fresh"}`,
	"POST /api/v1/rooms/direct":                                      `{"users":["author"]}`,
	"PATCH /api/v1/rooms/{room}":                                     `{"topic":"new"}`,
	"PUT /api/v1/rooms/{room}/members/{user}":                        `{"role":"member"}`,
	"PUT /api/v1/rooms/{room}/members/{user} to promote":             `{"role":"moderator"}`,
	"POST /api/v1/rooms/{room}/messages":                             `{"body":"hi"}`,
	"PATCH /api/v1/rooms/{room}/messages/{id}":                       `{"body":"new"}`,
	"PUT /api/v1/rooms/{room}/read":                                  `{"id":"$message"}`,
	"POST /api/v1/admin/users":                                       `{"username":"$fresh","password":"correct horse"}`,
	"PATCH /api/v1/admin/users/{user}":                               `{"display_name":"New"}`,
	"POST /api/v1/admin/users/{user}/tokens":                         `{"label":"test"}`,
	"POST /api/v1/admin/rooms":                                       `{"name":"$fresh","owner":"author"}`,
	"PATCH /api/v1/admin/rooms/{room}":                               `{"archived":true}`,
	"PUT /api/v1/admin/rooms/{room}/members/{user}":                  `{"role":"member"}`,
	"POST /api/v1/admin/purge":                                       `{"user":"$target"}`,
	"POST /api/v1/admin/bans":                                        `{"user":"$target"}`,
	"POST /api/v1/admin/bans of an administrator":                    `{"user":"administrator"}`,
	"PATCH /api/v1/admin/users/{user} who is the last administrator": `{"role":"user"}`,
}

func (p permission) body() string {
	if b, ok := restBodies[p.String()]; ok {
		return b
	}
	return restBodies[p.name()]
}

// fill makes a route's path and body ones that name what is there.
func (s *scene) fill(p permission) (path, body string) {
	message, user := s.message, s.author.Username
	if strings.HasPrefix(p.variant, ownOnly) {
		message = s.own
	}
	switch {
	case p.variant == "who is a moderator" || p.variant == "to demote":
		user = "mod"
	case p.method == "PUT" && p.variant != "to promote":
		user = "outsider"
	case strings.HasPrefix(p.target, "/api/v1/admin/users/{user}"):
		user = s.target(p)
	}
	replace := strings.NewReplacer(
		"{room}", s.room.String(), "{user}", user, "{id}", message.String(), "{emoji}", "x",
		"{session}", s.session(p, user), "{invite}", s.invitation(p),
		"$message", s.message.String(), "$fresh", s.fresh("fresh"), "$caller", s.caller.Username, "$target", s.victim(p),
	)
	path = replace.Replace(p.target)
	if p.name() == "DELETE /api/v1/admin/bans" {
		path += "?user=" + s.bannedUser()
	}
	return path, replace.Replace(p.body())
}

// target is whom an administrator's call is about.
func (s *scene) target(p permission) string {
	switch {
	case p.variant == "who is the last administrator":
		return "administrator"
	case strings.HasSuffix(p.target, "/tokens") && p.variant == "":
		return s.bot(s.t).Username
	}
	return s.register(s.fresh("target")).Username
}

// victim is a user whom the call may harm.
func (s *scene) victim(p permission) string {
	if !strings.Contains(p.body(), "$target") {
		return ""
	}
	return s.register(s.fresh("victim")).Username
}

func (s *scene) bannedUser() string {
	u := s.register(s.fresh("banned"))
	_, err := s.engine.Ban(testContext(s.t), engine.TheOperator, engine.Ban{User: u.ID, Reason: "test"})
	noError(s.t, err)
	return u.Username
}

// session is the id of a sign-in: of another user, or where the call says so the caller's own.
func (s *scene) session(p permission, user string) string {
	if !strings.Contains(p.target, "{session}") {
		return ""
	}
	if p.variant == ownOnly && s.caller.token != "" {
		_, token, err := s.engine.Login(testContext(s.t), s.caller.Username, "correct horse", "")
		if s.who == "bot" {
			token, err = s.botToken(s.t, s.caller.ID), nil
		}
		noError(s.t, err)
		who, err := s.engine.Authenticate(testContext(s.t), token)
		noError(s.t, err)
		return who.Token.String()
	}
	u, err := s.engine.FindUser(user)
	noError(s.t, err)
	list, err := s.engine.SessionsOf(engine.TheOperator, u.ID)
	noError(s.t, err)
	return list[0].ID.String()
}

func (s *scene) invitation(p permission) string {
	if !strings.Contains(p.target, "{invite}") {
		return ""
	}
	_, i, _, err := s.engine.MakeInvite(testContext(s.t), engine.TheOperator, false, "", time.Hour)
	noError(s.t, err)
	return i.ID.String()
}

// token is what the caller shows; one that the call ends is made for it.
func (s *scene) token(p permission) string {
	if p.target != "/api/v1/logout" || s.caller.token == "" || s.who == "revoked" || s.who == "banned" {
		return s.caller.token
	}
	if s.who == "bot" {
		return s.botToken(s.t, s.caller.ID)
	}
	_, token, err := s.engine.Login(testContext(s.t), s.caller.Username, "correct horse", "")
	noError(s.t, err)
	return token
}

// callREST makes the call of a row by the door that the caller has.
func (s *scene) callREST(p permission) *httptest.ResponseRecorder {
	s.t.Helper()
	s.prepare(p)
	path, body := s.fill(p)
	r := httptest.NewRequest(p.method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := s.token(p); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	s.condemn()
	s.before = s.engine.Position()
	w := httptest.NewRecorder()
	door := http.Handler(s.rest)
	if s.who == "operator" {
		door = s.rest.Operator()
	}
	door.ServeHTTP(w, r)
	return w
}

// checkREST holds a call against its cell. Whoever is refused has changed nothing and been told nothing.
func (s *scene) checkREST(p permission, want string) {
	s.t.Helper()
	a := s.callREST(p)
	if got := fmt.Sprint(a.Code); got != want {
		s.t.Fatalf("%s, not %s: %s", got, want, a.Body)
	}
	if told := a.Header().Get("Klatch-Position") != ""; a.Code < 400 && told != (p.method != http.MethodGet) {
		s.t.Errorf("Klatch-Position is told: %v", told)
	}
	if a.Code < 400 {
		return
	}
	if !s.engine.Position().Equal(s.before) || a.Header().Get("Klatch-Position") != "" {
		s.t.Errorf("refused, but something was written: %s", a.Body)
	}
	if strings.Contains(a.Body.String(), secret) {
		s.t.Errorf("refused, but told what was written: %s", a.Body)
	}
	var problem struct{ Code string }
	if err := json.Unmarshal(a.Body.Bytes(), &problem); err != nil || problem.Code == "" {
		s.t.Errorf("no problem: %s", a.Body)
	}
}
