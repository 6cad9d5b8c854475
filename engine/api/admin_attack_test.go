package api

import (
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// What is given and means nothing must not stand for what is not given: a purge of
// "nobody's" messages would be one of everybody's, a ban "until the year 1970" one for ever.
func TestGivenForNothing(t *testing.T) {
	n := newNode(t, nil)
	admin, ann := n.admin(t), n.user(t, "ann")
	ann.room("garden", false)
	m := ann.post("garden", "hello")
	for _, body := range []string{
		`{"user":"","before":"2999-01-01T00:00:00Z"}`,
		`{"user":"ann","room":""}`,
		`{"room":"garden","before":"1970-01-01T00:00:00Z"}`,
		`{"room":"garden","before":"0001-01-01T00:00:00Z"}`,
		`{"room":"garden","after":"1969-12-31T23:59:59Z"}`,
		`{"user":null,"room":null,"after":null,"before":null}`,
	} {
		if p := admin.do("POST", "/admin/purge", body).refused(422, engine.CodeInvalidField); len(p.Errors) != 1 {
			t.Errorf("%s: %+v", body, p)
		}
	}
	if got, err := n.engine.AdminMessage(engine.TheOperator, m.ID); err != nil || got.Deleted {
		t.Errorf("the message is gone: %v", err)
	}
	for _, until := range []string{"1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2020-01-01T00:00:00Z"} {
		admin.do("POST", "/admin/bans", `{"user":"ann","until":"`+until+`"}`).refused(422, engine.CodeInvalidField)
	}
	ann.do("GET", "/me", nil).want(200)
	admin.do("POST", "/admin/purge", `{"room":"garden","before":"1970-01-01T00:00:00.001Z"}`).want(200)
}

// Signing in as nobody must not keep somebody from changing the password, which is
// what to do when it is known.
func TestNobodyLocksAPassword(t *testing.T) {
	n := newNode(t, func(_ *engine.Config, c *Config) { c.AccountRate = engine.Rate{PerSecond: 0.1, Burst: 2} })
	ann := n.user(t, "ann")
	for _, name := range []string{ann.user.String(), string(ann.user[:])} {
		for range 3 {
			n.anonymous(t).do("POST", "/login", map[string]any{"username": name, "password": "x"})
		}
	}
	ann.do("PATCH", "/me", map[string]any{"password": "another horse", "current_password": "correct horse"}).want(200)
}
