package cli

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
)

// staleAccount is an account of ours, whose owner changes its name, its password
// and ends its sessions.
type staleAccount struct {
	*staleLine
	rng      *rand.Rand
	id       string
	password string
	owner    string // the token of its writer
	session  string // a token that readers use, and that is ended
	ended    string // one that was
}

// staleAccountSteps is how often a name changes before a session ends, and after that.
const staleAccountSteps = 8

func (x *stale) newAccount(i int) *staleAccount {
	name := fmt.Sprintf("account-%d", i)
	a := &staleAccount{staleLine: x.newLine(name, i%x.size.nodes), rng: x.rng(name), password: "correct horse 0"}
	got, ok := a.staleLine.write("registers", staleCall{method: http.MethodPost, path: "/register", body: map[string]string{"username": name, "password": a.password}}, nil)
	var signed struct {
		Token string
		User  json.RawMessage
	}
	if err := json.Unmarshal(got.body, &signed); err != nil || !ok {
		x.fail("registering: %v: %s", err, got.body)
		return a
	}
	a.owner, a.id = signed.Token, staleID(x, staleAnswer{body: signed.User})
	return a
}

// write is the account's writer. In each chapter there is a session that ends, and one that has.
func (a *staleAccount) write() {
	for !a.x.over() {
		a.ended, a.session = a.session, a.signIn()
		c := a.views()
		if !c.record() {
			return
		}
		a.begin(c)
		for n := range 2 * staleAccountSteps {
			v := c.pick(a.rng)
			ok := n != staleAccountSteps && a.rename(v) || n == staleAccountSteps && a.endSession(v)
			if !ok || !c.record() || !a.refuses(c, n >= staleAccountSteps) {
				return
			}
			if a.rest(a.rng.IntN(100)); a.x.over() {
				return
			}
		}
	}
}

// refuses holds the uncached path to what the writer knows: who is let in.
func (a *staleAccount) refuses(c *staleChapter, ended bool) bool {
	for _, v := range c.views {
		closed := v.token == a.ended || v.token == a.session && ended
		if got := v.last().status; (got == http.StatusUnauthorized) != closed || !closed && got != http.StatusOK {
			a.x.fail("%s: %s for %s, uncached, answers %d", a.name, v.path, v.who, got)
			return false
		}
	}
	return true
}

func (a *staleAccount) signIn() string {
	got := a.x.must(staleCall{node: a.home, method: http.MethodPost, path: "/login", body: map[string]string{"username": a.name, "password": a.password}})
	return staleToken(a.x, got)
}

func staleToken(x *stale, a staleAnswer) string {
	var signed struct{ Token string }
	if err := json.Unmarshal(a.body, &signed); err != nil || signed.Token == "" {
		x.fail("there is no token in %s", a.body)
	}
	return signed.Token
}

func (a *staleAccount) views() *staleChapter {
	c := a.newChapter()
	byID := c.add(2, &staleView{who: "somebody else", token: a.x.viewer.token, path: "/users/" + a.id})
	byName := c.add(1, &staleView{who: "somebody else", token: a.x.viewer.token, path: "/users/" + a.name})
	for who, token := range map[string]string{"the session": a.session, "an ended session": a.ended} {
		if token == "" {
			continue
		}
		// A session may end, and the name change after that, while it is answered.
		c.add(2, &staleView{who: who, token: token, path: byID.path, twin: byID})
		c.add(1, &staleView{who: who, token: token, path: byName.path, twin: byName})
		c.add(3, &staleView{who: who, token: token, path: "/me", twin: byID})
		c.add(1, &staleView{who: who, token: token, path: "/rooms", kind: kindJoined})
	}
	return c
}

func (a *staleAccount) rename(watched *staleView) bool {
	name := fmt.Sprintf("Name %d", a.rng.IntN(1e6))
	_, ok := a.staleLine.write("is called "+name, a.change(map[string]string{"display_name": name}), watched)
	return ok
}

func (a *staleAccount) change(body map[string]string) staleCall {
	return staleCall{method: http.MethodPatch, path: "/me", token: a.owner, body: body}
}

// endSession signs the session out, or changes the password, which ends all.
func (a *staleAccount) endSession(watched *staleView) bool {
	if a.rng.IntN(2) == 0 {
		_, ok := a.staleLine.write("signs out", staleCall{method: http.MethodPost, path: "/logout", token: a.session}, watched)
		return ok
	}
	next := fmt.Sprintf("correct horse %d", a.rng.IntN(1e6))
	got, ok := a.staleLine.write("has a new password", a.change(map[string]string{"password": next, "current_password": a.password}), watched)
	if ok {
		a.password, a.owner = next, staleToken(a.x, got)
	}
	return ok
}
