package api

import (
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

const nothing = "01JD4ZV8E50008XKQ2M7T3W9RC" // an id that names nothing

// TestBadInput sends what must be refused; nothing of it changes anything.
func TestBadInput(t *testing.T) {
	n := newNode(t, func(ec *engine.Config, _ *Config) { ec.MaxMessage = 1000 })
	ann, other := n.user(t, "ann"), n.user(t, "other")
	room := ann.room("garden", false).ID.String()
	elsewhere := other.room("cellar", false).ID.String()
	m := ann.post(room, "hello").ID.String()
	far := other.post(elsewhere, "far").ID.String()
	messages := "/rooms/" + room + "/messages"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code                     engine.Code
		field                    string // "field code"
	}{
		{"no body", "POST", "/rooms", "", 400, "invalid_json", ""},
		{"half an object", "POST", "/rooms", `{"name":`, 400, "invalid_json", ""},
		{"not JSON", "POST", "/rooms", `name=garden`, 400, "invalid_json", ""},
		{"an array", "POST", "/rooms", `["name"]`, 400, "invalid_json", ""},
		{"a string", "POST", "/rooms", `"name"`, 400, "invalid_json", ""},
		{"two objects", "POST", "/rooms", `{"name":"a"}{"name":"b"}`, 400, "invalid_json", ""},
		{"trailing text", "POST", "/rooms", `{"name":"a"} x`, 400, "invalid_json", ""},
		{"a field twice", "POST", "/rooms", `{"name":"a","name":"b"}`, 400, "invalid_json", ""},
		{"no UTF-8", "POST", messages, "{\"body\":\"\xff\"}", 400, "invalid_json", ""},
		{"half a surrogate", "POST", messages, `{"body":"\ud800"}`, 400, "invalid_json", ""},
		{"a comment", "POST", "/rooms", `{/**/"name":"a"}`, 400, "invalid_json", ""},
		{"deep", "POST", messages, `{"body":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 422, "invalid_field", "body malformed"},
		{"a number as text", "POST", "/rooms", `{"name":1}`, 422, "invalid_field", "name malformed"},
		{"text as a truth", "POST", "/rooms", `{"name":"a","private":"yes"}`, 422, "invalid_field", "private malformed"},
		{"an object as text", "POST", messages, `{"body":{"a":1}}`, 422, "invalid_field", "body malformed"},
		{"text as a list", "POST", "/rooms/direct", `{"users":"other"}`, 422, "invalid_field", "users malformed"},
		{"a number in a list", "POST", "/rooms/direct", `{"users":["other",3]}`, 422, "invalid_field", "users malformed"},
		{"an unknown field", "POST", "/rooms", `{"name":"a","color":"red"}`, 422, "invalid_field", "color unknown"},
		{"a field in capitals", "POST", "/rooms", `{"Name":"a"}`, 422, "invalid_field", "Name unknown"},
		{"a field with a slash", "POST", "/rooms", `{"a/b~c":"a"}`, 422, "invalid_field", "a/b~c unknown"},
		{"attachments before there are uploads", "POST", messages, `{"body":"a","attachments":[]}`, 422, "invalid_field", "attachments unknown"},

		{"no name", "POST", "/rooms", `{}`, 422, "invalid_field", "name required"},
		{"null for a name", "POST", "/rooms", `{"name":null}`, 422, "invalid_field", "name required"},
		{"null", "POST", "/rooms", `null`, 400, "invalid_json", ""},
		{"capitals in a name", "POST", "/rooms", `{"name":"Garden"}`, 422, "invalid_field", "name malformed"},
		{"a space in a name", "POST", "/rooms", `{"name":"a b"}`, 422, "invalid_field", "name malformed"},
		{"a slash in a name", "POST", "/rooms", `{"name":"a/b"}`, 422, "invalid_field", "name malformed"},
		{"a tilde in a name", "POST", "/rooms", `{"name":"a~b"}`, 422, "invalid_field", "name malformed"},
		{"dots for a name", "POST", "/rooms", `{"name":".."}`, 422, "invalid_field", "name malformed"},
		{"an id for a name", "POST", "/rooms", `{"name":"` + strings.ToLower(nothing) + `"}`, 422, "invalid_field", "name malformed"},
		{"a long name", "POST", "/rooms", `{"name":"` + strings.Repeat("a", 65) + `"}`, 422, "invalid_field", "name too_long"},
		{"a long topic", "POST", "/rooms", `{"name":"a","topic":"` + strings.Repeat("a", 1001) + `"}`, 422, "invalid_field", "topic too_long"},
		{"a topic of two lines", "POST", "/rooms", `{"name":"a","topic":"a\nb"}`, 422, "invalid_field", "topic malformed"},
		{"a taken name", "POST", "/rooms", `{"name":"garden"}`, 409, "conflict", "name taken"},
		{"renaming to a taken name", "PATCH", "/rooms/" + room, `{"name":"cellar"}`, 409, "conflict", "name taken"},

		{"a short password", "POST", "/register", `{"username":"x","password":"short"}`, 422, "invalid_field", "password too_short"},
		{"no username", "POST", "/register", `{"password":"correct horse"}`, 422, "invalid_field", "username required"},
		{"a taken username", "POST", "/register", `{"username":"ann","password":"correct horse"}`, 409, "conflict", "username taken"},
		{"a made-up invite", "POST", "/register", `{"username":"x","password":"correct horse","invite":"x"}`, 403, "forbidden", ""},
		{"a session as an invite", "POST", "/register", `{"username":"x","password":"correct horse","invite":"` + ann.token + `"}`, 403, "forbidden", ""},
		{"a wrong password", "POST", "/login", `{"username":"ann","password":"wrong horse"}`, 401, "unauthorized", ""},
		{"an unknown username", "POST", "/login", `{"username":"nobody","password":"wrong horse"}`, 401, "unauthorized", ""},
		{"an empty sign-in", "POST", "/login", `{}`, 401, "unauthorized", ""},
		{"a new password without the old", "PATCH", "/me", `{"password":"another horse"}`, 403, "forbidden", "current_password wrong"},
		{"a long display name", "PATCH", "/me", `{"display_name":"` + strings.Repeat("a", 101) + `"}`, 422, "invalid_field", "display_name too_long"},

		{"no other user", "POST", "/rooms/direct", `{"users":[]}`, 422, "invalid_field", "users malformed"},
		{"oneself", "POST", "/rooms/direct", `{"users":["ann"]}`, 422, "invalid_field", "users malformed"},
		{"an unknown user", "POST", "/rooms/direct", `{"users":["nobody"]}`, 422, "invalid_field", "users unknown"},
		{"an unknown user's id", "POST", "/rooms/direct", `{"users":["` + nothing + `"]}`, 422, "invalid_field", "users unknown"},
		{"too many users", "POST", "/rooms/direct", `{"users":["a"` + strings.Repeat(`,"a"`, 100) + `]}`, 422, "invalid_field", "users too_long"},

		{"no message", "POST", messages, `{}`, 422, "invalid_field", "body required"},
		{"white space", "POST", messages, `{"body":" \n"}`, 422, "invalid_field", "body required"},
		{"a long message", "POST", messages, `{"body":"` + strings.Repeat("a", 1001) + `"}`, 413, "too_large", "body too_long"},
		{"a body too large to read", "POST", messages, `{"body":"` + strings.Repeat("a", 20_000) + `"}`, 413, "too_large", ""},
		{"a long nonce", "POST", messages, `{"body":"a","nonce":"` + strings.Repeat("a", 65) + `"}`, 422, "invalid_field", "nonce too_long"},
		{"a reply to no id", "POST", messages, `{"body":"a","reply_to":"x"}`, 422, "invalid_field", "reply_to malformed"},
		{"a reply to nothing", "POST", messages, `{"body":"a","reply_to":"` + nothing + `"}`, 422, "invalid_field", "reply_to unknown"},
		{"a reply to another room", "POST", messages, `{"body":"a","reply_to":"` + far + `"}`, 422, "invalid_field", "reply_to unknown"},
		{"a message of another room", "GET", messages + "/" + far, "", 404, "not_found", ""},
		{"editing one", "PATCH", messages + "/" + far, `{"body":"a"}`, 404, "not_found", ""},
		{"deleting nothing", "DELETE", messages + "/" + nothing, "", 404, "not_found", ""},
		{"a message that is no id", "GET", messages + "/first", "", 404, "not_found", ""},
		{"replies to nothing", "GET", messages + "/" + nothing + "/replies", "", 404, "not_found", ""},
		{"reading nothing", "PUT", "/rooms/" + room + "/read", `{"id":"` + nothing + `"}`, 404, "not_found", ""},
		{"reading no id", "PUT", "/rooms/" + room + "/read", `{"id":"last"}`, 422, "invalid_field", "id malformed"},
		{"reading without an id", "PUT", "/rooms/" + room + "/read", `{}`, 422, "invalid_field", "id required"},
		{"an emoji with a space", "PUT", messages + "/" + m + "/reactions/a%20b", "", 422, "invalid_field", "emoji malformed"},
		{"an emoji with a slash", "PUT", messages + "/" + m + "/reactions/a%2Fb", "", 422, "invalid_field", "emoji malformed"},
		{"an emoji of no UTF-8", "PUT", messages + "/" + m + "/reactions/%FF", "", 422, "invalid_field", "emoji malformed"},
		{"a long emoji", "PUT", messages + "/" + m + "/reactions/" + strings.Repeat("a", 65), "", 422, "invalid_field", "emoji too_long"},

		{"no room of a name", "GET", "/rooms/nowhere", "", 404, "not_found", ""},
		{"no room of an id", "GET", "/rooms/" + nothing, "", 404, "not_found", ""},
		{"a user's id for a room", "GET", "/rooms/" + ann.user.String(), "", 404, "not_found", ""},
		{"a name of no UTF-8", "GET", "/rooms/%FF", "", 404, "not_found", ""},
		{"a name with a NUL", "GET", "/rooms/%00", "", 404, "not_found", ""},
		{"no user of a name", "GET", "/users/nobody", "", 404, "not_found", ""},
		{"no user of an id", "GET", "/users/" + nothing, "", 404, "not_found", ""},
		{"an unknown member", "PUT", "/rooms/" + room + "/members/nobody", `{"role":"member"}`, 404, "not_found", ""},
		{"a member who is none", "DELETE", "/rooms/" + room + "/members/other", "", 404, "not_found", ""},
		{"an unknown role", "PUT", "/rooms/" + room + "/members/other", `{"role":"king"}`, 422, "invalid_field", "role unknown"},
		{"no role", "PUT", "/rooms/" + room + "/members/other", `{}`, 422, "invalid_field", "role required"},

		{"limit 0", "GET", messages + "?limit=0", "", 422, "invalid_field", "limit malformed"},
		{"limit -1", "GET", messages + "?limit=-1", "", 422, "invalid_field", "limit malformed"},
		{"limit of letters", "GET", "/rooms?limit=ten", "", 422, "invalid_field", "limit malformed"},
		{"no limit", "GET", "/rooms?limit=", "", 422, "invalid_field", "limit malformed"},
		{"an unknown filter", "GET", "/rooms?filter=mine", "", 422, "invalid_field", "filter unknown"},
		{"a cursor of the wrong list", "GET", "/rooms?after=x", "", 422, "invalid_field", "after malformed"},
		{"a made-up cursor", "GET", "/rooms?filter=public&after=x", "", 422, "invalid_field", "after malformed"},
		{"another made-up cursor", "GET", "/rooms?filter=public&after=AAAA", "", 422, "invalid_field", "after malformed"},
		{"a cursor of members", "GET", "/rooms/" + room + "/members?after=x", "", 422, "invalid_field", "after malformed"},
		{"before no id", "GET", messages + "?before=x", "", 422, "invalid_field", "before malformed"},
		{"after an empty id", "GET", messages + "?after=", "", 422, "invalid_field", "after malformed"},
		{"two places", "GET", messages + "?before=" + m + "&around=" + m, "", 422, "invalid_field", "around malformed"},
		{"a place twice", "GET", messages + "?after=" + m + "&after=" + m, "", 422, "invalid_field", "after malformed"},
		{"a broken query", "GET", messages + "?limit=%zz", "", 422, "invalid_field", "query malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := n.engine.Position()
			who := ann
			who.t = t
			var body any
			if c.body != "" || c.method == "POST" {
				body = c.body
			}
			p := who.do(c.method, c.path, body).refused(c.status, c.code)
			if c.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field+" "+p.Errors[0].Code != c.field) {
				t.Errorf("want field %q, got %+v", c.field, p.Errors)
			}
			if !n.engine.Position().Equal(before) {
				t.Error("something was written")
			}
		})
	}
}

func TestLimits(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	room := ann.room("garden", false).ID.String()
	for range 210 {
		ann.post(room, "x")
	}
	for limit, want := range map[string]int{"": 50, "?limit=1": 1, "?limit=200": 200, "?limit=201": 200, "?limit=99999999999999999999": 200} {
		var p page
		ann.do("GET", "/rooms/"+room+"/messages"+limit, nil).want(200).into(&p)
		if len(p.Items) != want {
			t.Errorf("%q: %d items, want %d", limit, len(p.Items), want)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	ann := newNode(t, nil).user(t, "ann")
	for kind, ok := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "application/json;charset=UTF-8": true,
		"Application/JSON": true, "application/json; charset=latin1": false, "text/plain": false, "": false,
		"application/x-www-form-urlencoded": false, "application/json; =": false,
	} {
		c := ann
		c.extra = map[string][]string{"Content-Type": {kind}}
		a := c.do("PATCH", "/me", `{"display_name":"Ann"}`)
		if ok {
			a.want(200)
			continue
		}
		a.refused(415, engine.CodeInvalidJSON)
	}
}

// TestI9Tokens tries to come in with what is no token of this server.
func TestI9Tokens(t *testing.T) {
	n, foreign := newNode(t, nil), newNode(t, nil)
	admin, ann := n.admin(t), n.user(t, "ann")
	alien := foreign.user(t, "ann")
	var inv invite
	admin.do("POST", "/invites", nil).want(201).into(&inv)
	out := n.user(t, "out")
	out.do("POST", "/logout", nil).want(204)
	flipped := []byte(ann.token)
	flipped[len(flipped)/2] ^= 1
	before := n.engine.Position()
	refuse := func(c caller) {
		t.Helper()
		a := c.do("POST", "/rooms", map[string]any{"name": "garden"})
		a.refused(401, engine.CodeUnauthorized)
		if a.Header.Get("WWW-Authenticate") != `Bearer realm="klatch"` {
			t.Errorf("WWW-Authenticate: %s", a)
		}
	}
	for name, header := range map[string]string{
		"another server's": "Bearer " + alien.token, "revoked": "Bearer " + out.token, "an invite": "Bearer " + inv.Invite,
		"flipped": "Bearer " + string(flipped), "cut": "Bearer " + ann.token[:len(ann.token)-10], "garbage": "Bearer x",
		"no token": "Bearer", "another scheme": "Basic " + ann.token, "no scheme": ann.token, "huge": "Bearer " + strings.Repeat("x", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			c := n.anonymous(t).with("Authorization", header)
			refuse(c)
			// A cookie that would do does not stand in for a wrong header.
			refuse(c.with("Cookie", sessionCookie+"="+ann.token).with("Origin", "http://example.com"))
		})
	}
	refuse(n.anonymous(t))
	refuse(n.anonymous(t).with("Cookie", sessionCookie+"=garbage").with("Origin", "http://example.com"))
	ann.do("GET", "/me", nil).want(200)
	n.clock.add(31 * 24 * time.Hour)
	refuse(ann)
	if !n.engine.Position().Equal(before) {
		t.Error("something was written")
	}
}
