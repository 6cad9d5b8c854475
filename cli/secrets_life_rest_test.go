package cli

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// accounts are made, signed in to, changed and left.
func (l *life) accounts() {
	l.ask(403, "POST", v1+"/register", nil, object("username", "eve", "password", l.secret("eve's password"), "invite", l.secret("made-up invite")))
	l.ask(422, "POST", v1+"/register", nil, object("username", "Not A Name", "password", l.secret("a password for no name"), "invite", l.secrets["first invite"]))
	l.ada = l.field(l.ask(201, "POST", v1+"/register", nil, object("username", "ada", "password", l.secret("ada's password"), "invite", l.secrets["first invite"])), "token")
	l.secrets["ada's first token"] = l.ada
	l.ask(401, "POST", v1+"/login", nil, object("username", "ada", "password", l.secret("wrong password")))
	l.ask(401, "POST", v1+"/login", nil, object("username", l.secret("password as a name"), "password", "x"))
	l.secrets["ada's second token"] = l.field(l.ask(200, "POST", v1+"/login", nil, object("username", "ada", "password", l.secrets["ada's password"])), "token")
	l.secrets["invite"] = l.field(l.ask(201, "POST", v1+"/invites", bearer(l.ada), "{}"), "invite")
	l.bob = l.field(l.ask(201, "POST", v1+"/register", nil, object("username", "bob", "password", l.secret("bob's password"), "invite", l.secrets["invite"])), "token")
	l.secrets["bob's token"] = l.bob
	l.ask(403, "POST", v1+"/register", nil, object("username", "eve", "password", l.secret("eve's other password"), "invite", l.secrets["invite"]))
	l.ask(403, "PATCH", v1+"/me", bearer(l.ada), object("password", l.secret("a new password"), "current_password", l.secret("a wrong current password")))
	l.ada = l.field(l.ask(200, "PATCH", v1+"/me", bearer(l.ada), object("password", l.secrets["a new password"], "current_password", l.secrets["ada's password"])), "token")
	l.secrets["ada's last token"] = l.ada
	l.ask(401, "GET", v1+"/me", bearer(l.secrets["ada's first token"]), "")
	l.ask(401, "GET", v1+"/me", bearer(l.secret("a token that is none")), "")
	l.ask(401, "GET", v1+"/me", bearer(l.bob[:len(l.bob)-4]+"AAAA"), "")
	l.ask(200, "GET", v1+"/me", header{"Cookie": "klatch_session=" + l.bob}, "")
	l.ask(401, "GET", v1+"/me", header{"Cookie": "klatch_session=" + l.secret("a cookie that is none")}, "")
	l.ask(403, "PATCH", v1+"/me", header{"Cookie": "klatch_session=" + l.bob, "Origin": "https://elsewhere.example"}, object("password", l.secret("a forged password")))
	l.ask(401, "GET", v1+"/me", header{"Authorization": "Basic " + l.secret("basic")}, "")
	l.ask(401, "GET", v1+"/me?token="+l.secret("token in the query"), nil, "")
	l.ask(401, "GET", v1+"/me", header{"X-Api-Key": l.secret("key in another header")}, "")
}

// otherBackend signs its users in by JWT.
func (l *life) otherBackend() {
	sign := func(secret string, more jwt.MapClaims) string {
		claims := jwt.MapClaims{"sub": "grace", "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range more {
			claims[name] = value
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		l.fatal(err)
		return token
	}
	l.jwt = sign(l.secrets["JWT secret"], nil)
	l.secrets["JWT"] = l.jwt
	l.secrets["forged JWT"] = sign(l.secret("another JWT secret"), nil)
	l.secrets["expired JWT"] = sign(l.secrets["JWT secret"], jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()})
	l.secrets["JWT of no name"] = sign(l.secrets["JWT secret"], jwt.MapClaims{"sub": "No Name", "email": l.secret("claim")})
	l.ask(200, "GET", v1+"/me", bearer(l.jwt), "")
	l.ask(401, "GET", v1+"/me", bearer(l.secrets["forged JWT"]), "")
	l.ask(401, "GET", v1+"/me", bearer(l.secrets["expired JWT"]), "")
	l.ask(422, "GET", v1+"/me", bearer(l.secrets["JWT of no name"]), "")
}

// messages are posted, refused, edited and deleted by REST.
func (l *life) messages() {
	l.room = l.field(l.ask(201, "POST", v1+"/rooms", bearer(l.ada), `{"name":"tea","private":true}`), "id")
	posts := v1 + "/rooms/" + l.room + "/messages"
	id := l.field(l.ask(201, "POST", posts, bearer(l.ada), object("body", l.secret("body"), "nonce", "n1")), "id")
	l.ask(201, "POST", posts, bearer(l.ada), object("body", l.secret("body of a repeat"), "nonce", "n1"))
	l.ask(200, "PATCH", posts+"/"+id, bearer(l.ada), object("body", l.secret("edited body")))
	l.ask(200, "GET", posts, bearer(l.ada), "")
	l.ask(404, "POST", posts, bearer(l.bob), object("body", l.secret("body of a stranger")))
	l.ask(413, "POST", posts, bearer(l.ada), object("body", strings.Repeat(l.secret("long body"), 600)))
	l.ask(422, "POST", posts, bearer(l.ada), object("body", l.secret("body of a bad reply"), "reply_to", "nothing"))
	l.ask(422, "POST", posts, bearer(l.ada), `{"body":"x","secret_note":"`+l.secret("field that is none")+`"}`)
	l.ask(400, "POST", posts, bearer(l.ada), `{"body":"`+l.secret("broken JSON")+`"`)
	l.ask(400, "POST", posts, bearer(l.ada), l.secret("no JSON"))
	l.ask(204, "DELETE", posts+"/"+id, bearer(l.ada), "")
}

// nonsense is uploaded and asked for.
func (l *life) nonsense() {
	form := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + l.secret("file name") + "\"\r\n\r\n" + l.secret("file") + "\r\n--b--\r\n"
	multipart := header{"Authorization": "Bearer " + l.ada, "Content-Type": "multipart/form-data; boundary=b"}
	l.ask(404, "POST", v1+"/uploads", multipart, form)
	l.ask(415, "POST", v1+"/rooms/"+l.room+"/messages", multipart, form)
	l.ask(400, "POST", v1+"/rooms/"+l.room+"/messages", bearer(l.ada), "\x00\xff"+l.secret("bytes"))
	l.ask(404, "GET", "/search?q="+l.secret("search"), bearer(l.ada), "")
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.public, "http://"))
	l.fatal(err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: klatch_session=%s\r\nno header %s\r\n\r\n", l.ada, l.secret("broken header"))
	answer, err := io.ReadAll(conn)
	l.fatal(err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
		l.t.Errorf("a broken header gets %.40q", answer)
	}
	l.refusals.Write(answer)
}

// afterwards is the life after the kill.
func (l *life) afterwards() {
	l.ask(200, "GET", v1+"/rooms/"+l.room+"/messages", bearer(l.ada), "")
	l.ask(204, "POST", v1+"/logout", bearer(l.bob), "")
	l.ask(401, "GET", v1+"/me", bearer(l.bob), "")
}
