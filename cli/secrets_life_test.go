package cli

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestSecretsStayInside (I9): a node lives a whole life, its end by kill -9 included,
// and logs all it can. None of the secrets that it was given or gave, and nothing
// of what people wrote, is in its log, its metrics or its refusals.
func TestSecretsStayInside(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, format)
			l.refuseToStart()
			l.start()
			l.accounts()
			l.otherBackend()
			l.messages()
			l.webSockets()
			l.polling()
			l.nonsense()
			l.look()
			l.end(syscall.SIGKILL)
			l.start()
			l.afterwards()
			l.look()
			l.end(syscall.SIGTERM)
			l.check()
		})
	}
}

// life is a node that runs as a process of its own, and all that was secret to it.
type life struct {
	t      *testing.T
	format string
	data   string
	flags  []string
	env    []string

	secrets map[string]string // by what they are

	cmd           *exec.Cmd
	public, ops   string // URLs
	greeting      string
	log           bytes.Buffer    // of all runs; whole when the process has ended
	refusals      strings.Builder // answers that are errors, with their headers
	shown         strings.Builder // metrics and the command line
	ada, bob, jwt string          // tokens
	room          string
}

func newLife(t *testing.T, format string) *life {
	l := &life{t: t, format: format, data: filepath.Join(t.TempDir(), "data"), secrets: map[string]string{}}
	key := make([]byte, 32)
	rand.Read(key)
	l.secrets["cluster key"] = base64.StdEncoding.EncodeToString(key)
	l.env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KLATCH_") }),
		"KLATCH_CLUSTER_KEY="+l.secrets["cluster key"])
	l.flags = []string{"--addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0", "--cluster-addr", "127.0.0.1:0", "--memory", "16MiB",
		"--registration", "invite", "--log-level", "debug", "--access-log", "on",
		"--auth-jwt-secret", l.secret("JWT secret")} // as nobody should, so that the command line has one
	return l
}

// secret makes a new one.
func (l *life) secret(of string) string {
	if l.secrets[of] == "" {
		l.secrets[of] = "s3cret" + rand.Text()
	}
	return l.secrets[of]
}

func (l *life) command(flags ...string) *exec.Cmd {
	cmd := exec.Command("klatch", append([]string{"serve", "--data", l.data, "--log-format", l.format}, flags...)...)
	cmd.Env = l.env
	return cmd
}

// refuseToStart is told secrets that are wrong.
func (l *life) refuseToStart() {
	l.t.Helper()
	file := filepath.Join(l.t.TempDir(), "klatch.yaml")
	l.fatal(os.WriteFile(file, fmt.Appendf(nil, "cluster-key: [%s]\n", l.secret("key in the file")), 0o600))
	for _, flags := range [][]string{
		{"--cluster-addr", "127.0.0.1:0", "--cluster-key", l.secret("no cluster key")},
		{"--auth-jwt-secret", l.secret("short")[:16]},
		{"--config", file},
	} {
		cmd := l.command(flags...)
		out, err := cmd.CombinedOutput()
		if err == nil {
			l.t.Errorf("%q starts", flags)
		}
		l.refusals.Write(out)
	}
	l.secrets["short"] = l.secrets["short"][:16]
}

func (l *life) start() {
	l.t.Helper()
	l.cmd = l.command(l.flags...)
	l.cmd.Stderr = &l.log
	out, err := l.cmd.StdoutPipe()
	l.fatal(err)
	l.fatal(l.cmd.Start())
	l.t.Cleanup(func() { _ = l.cmd.Process.Kill(); _ = l.cmd.Wait() })
	greeting := make([]byte, 4096) // printed in one write
	n, _ := out.Read(greeting)
	l.greeting = string(greeting[:n])
	for line := range strings.Lines(l.greeting) {
		address, is, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(is, "web client"):
			l.public = address
		case strings.HasPrefix(is, "metrics"):
			l.ops = address
		case strings.HasPrefix(is, "makes the first"):
			_, l.secrets["first invite"], _ = strings.Cut(address, "#invite=")
		}
	}
	if l.public == "" || l.ops == "" {
		_ = l.cmd.Wait()
		l.t.Fatalf("not started: %q\n%s", l.greeting, &l.log)
	}
}

func (l *life) end(s syscall.Signal) {
	l.t.Helper()
	l.fatal(l.cmd.Process.Signal(s))
	if err := l.cmd.Wait(); s == syscall.SIGTERM && err != nil {
		l.t.Errorf("ended with %v", err)
	}
}

func (l *life) fatal(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// header is what a request of the life carries beside its body.
type header map[string]string

func bearer(token string) header { return header{"Authorization": "Bearer " + token} }

// ask sends a request and keeps its answer where that is a refusal. want is the status.
func (l *life) ask(want int, method, path string, h header, body string) string {
	l.t.Helper()
	r, err := http.NewRequest(method, l.public+path, strings.NewReader(body))
	l.fatal(err)
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	for name, value := range h {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	l.fatal(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	l.fatal(err)
	if resp.StatusCode != want {
		l.t.Errorf("%s %s answers %d, want %d: %s", method, path, resp.StatusCode, want, answer)
	}
	if resp.StatusCode >= 400 {
		fmt.Fprintln(&l.refusals, resp.Header, string(answer))
	}
	return string(answer)
}

// field reads one text field of JSON.
func (l *life) field(answer, name string) string {
	l.t.Helper()
	var fields map[string]any
	l.fatal(json.Unmarshal([]byte(answer), &fields))
	text, _ := fields[name].(string)
	if text == "" {
		l.t.Fatalf("no %s in %s", name, answer)
	}
	return text
}

func object(pairs ...string) string {
	fields := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	b, _ := json.Marshal(fields)
	return string(b)
}

const v1 = "/api/v1"

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

// webSockets say hello, post and break the rules.
func (l *life) webSockets() {
	in := l.dial(header{"User-Agent": "life"})
	in.send(object("type", "hello", "token", l.ada))
	in.await(`"type":"ready"`)
	in.send(fmt.Sprintf(`{"type":"post","ref":2,"room":%q,"body":%q}`, l.room, l.secret("body in a frame")))
	in.await(`"type":"ack","ref":2`)
	in.send(fmt.Sprintf(`{"type":"signal","ref":3,"room":%q,"name":"s","data":%q}`, l.room, l.secret("signal")))
	in.await(`"ref":3`)
	in.send(fmt.Sprintf(`{"type":"post","ref":4,"room":%q,"body":%q}`, l.secret("no room"), l.secret("body to nowhere")))
	l.refusals.WriteString(in.await(`"type":"error","ref":4`))
	in.send(`{"type":"post","ref":5,"body":"` + l.secret("broken frame"))
	l.refusals.WriteString(in.await(`"type":"error"`))
	in.conn.Close() // without a close frame

	for what, open := range map[string]func() *lifeSocket{
		"token of a bad hello": func() *lifeSocket {
			s := l.dial(nil)
			s.send(object("type", "hello", "token", l.secret("token of a bad hello")))
			return s
		},
		"cookie of a bad handshake": func() *lifeSocket {
			s := l.dial(header{"Cookie": "klatch_session=" + l.secret("cookie of a bad handshake")})
			s.send(`{"type":"hello"}`)
			return s
		},
		"no hello": func() *lifeSocket {
			s := l.dial(header{"Authorization": "Bearer " + l.bob})
			s.send(object("type", "post", "body", l.secret("body before hello")))
			return s
		},
	} {
		s := open()
		l.refusals.WriteString(what + s.rest())
	}
}

// lifeSocket is a WebSocket of a life.
type lifeSocket struct{ *rawClient }

func (l *life) dial(h header) *lifeSocket {
	l.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.public, "http://"))
	l.fatal(err)
	l.t.Cleanup(func() { conn.Close() })
	l.fatal(conn.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprintf(conn, "GET /api/v1/ws?token=%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", l.secret("token in the handshake's query"))
	for name, value := range h {
		fmt.Fprintf(conn, "%s: %s\r\n", name, value)
	}
	fmt.Fprint(conn, "\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	l.fatal(err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		l.t.Fatalf("the handshake answers %d", resp.StatusCode)
	}
	return &lifeSocket{&rawClient{l.t, conn, in}}
}

func (s *lifeSocket) send(text string) {
	s.t.Helper()
	frame := binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	if _, err := s.conn.Write(append(append(frame, 0, 0, 0, 0), text...)); err != nil { // a mask of zeros
		s.t.Fatal(err)
	}
}

// await reads until a frame that holds text.
func (s *lifeSocket) await(text string) string {
	s.t.Helper()
	for {
		if frame := string(s.read()); strings.Contains(frame, text) {
			return frame
		}
	}
}

// rest is all until the node closes.
func (s *lifeSocket) rest() (text string) {
	s.t.Helper()
	for {
		opcode, payload := s.readFrame()
		text += string(payload) + "\n"
		if opcode == 8 {
			return text
		}
	}
}

// polling is Socket.IO by long-polling: its session ids open sessions.
func (l *life) polling() {
	open := func(of string) (path string) {
		answer := l.ask(200, "GET", "/socket.io/?EIO=4&transport=polling", nil, "")
		l.secrets[of] = l.field(strings.TrimPrefix(answer, "0"), "sid")
		return "/socket.io/?EIO=4&transport=polling&sid=" + l.secrets[of]
	}
	in := open("Engine.IO session")
	l.ask(200, "POST", in, nil, "40"+object("token", l.ada))
	connected := l.ask(200, "GET", in, nil, "")
	connected, _, _ = strings.Cut(connected, "\x1e")
	l.secrets["recovery token"] = l.field(strings.TrimPrefix(connected, "40"), "pid")
	l.ask(200, "POST", in, nil, `42["post",`+object("room", l.room, "body", l.secret("body in an event"))+`]`)
	l.ask(200, "POST", in, nil, `420["no event",`+object("body", l.secret("body of no event"))+`]`)
	l.ask(400, "POST", in, nil, "9"+l.secret("broken packet"))

	out := open("refused Engine.IO session")
	l.ask(200, "POST", out, nil, "40"+object("token", l.secret("token of a bad connect")))
	l.refusals.WriteString(l.ask(200, "GET", out, nil, ""))
	l.ask(400, "GET", "/socket.io/?EIO=4&transport=polling&sid="+l.secret("made-up sid"), nil, "")
}

// afterwards is the life after the kill.
func (l *life) afterwards() {
	l.ask(200, "GET", v1+"/rooms/"+l.room+"/messages", bearer(l.ada), "")
	l.ask(204, "POST", v1+"/logout", bearer(l.bob), "")
	l.ask(401, "GET", v1+"/me", bearer(l.bob), "")
}

// look reads what operators see.
func (l *life) look() {
	l.t.Helper()
	for _, path := range []string{"/metrics", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		resp, err := http.Get(l.ops + path)
		l.fatal(err)
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		l.fatal(err)
		if resp.StatusCode != http.StatusOK {
			l.t.Errorf("%s answers %d", path, resp.StatusCode)
		}
		l.shown.Write(b)
	}
	http.DefaultClient.CloseIdleConnections()
}

// forms are the ways in which a secret may be written.
func forms(secret string) []string {
	all := []string{
		secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
	if n := len(secret); n > 60 { // of a token, a part gives it away too
		all = append(all, secret[n-30:], secret[n/2:n/2+30])
	}
	return all
}

// leaks names the secrets that a text holds.
func (l *life) leaks(text string) (names []string) {
	for name, secret := range l.secrets {
		if secret == "" {
			names = append(names, name+", which is empty")
		}
		if slices.ContainsFunc(forms(secret), func(form string) bool { return strings.Contains(text, form) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (l *life) check() {
	log := l.log.String()
	for what, text := range map[string]string{"the log": log, "an answer": l.refusals.String(), "what operators see": l.shown.String()} {
		for _, name := range l.leaks(text) {
			l.t.Errorf("%s holds the %s", what, name)
		}
	}
	// Were nothing looked at, or nothing found, all of this would pass.
	if text := "a line with " + l.secrets["invite"][10:] + " and " + l.secrets["ada's password"]; !slices.Equal(l.leaks(text), []string{"ada's password", "invite"}) {
		l.t.Errorf("in a text with two secrets there are %q", l.leaks(text))
	}
	if len(l.secrets) < 50 || !strings.Contains(l.refusals.String(), "unauthorized") || !strings.Contains(l.shown.String(), "klatch_sign_ins_total") {
		l.t.Errorf("%d secrets, and what was to be looked at is missing", len(l.secrets))
	}
	l.checkNames(log)
}

var (
	textRequest = regexp.MustCompile(`(?m)^time=\S+ level=\w+ msg=request request=[\w.-]+ .*path=/api/v1/login`)
	textSession = regexp.MustCompile(`(?m)^time=\S+ level=DEBUG msg="session opened" session=[\w.-]+ user=\w{26}`)
	jsonRequest = regexp.MustCompile(`(?m)^\{"time":"[^"]+","level":"\w+","msg":"request","request":"[\w.-]+",.*"path":"/api/v1/login"`)
	jsonSession = regexp.MustCompile(`(?m)^\{"time":"[^"]+","level":"DEBUG","msg":"session opened","session":"[\w.-]+","user":"\w{26}"`)
)

// checkNames: lines about requests and sessions can be told apart by their ids.
func (l *life) checkNames(log string) {
	request, session := textRequest, textSession
	if l.format == "json" {
		request, session = jsonRequest, jsonSession
		for line := range strings.Lines(log) {
			if !json.Valid([]byte(line)) {
				l.t.Errorf("no JSON: %s", line)
			}
		}
	}
	if n := len(request.FindAllString(log, -1)); n != 3 {
		l.t.Errorf("%d lines of the three sign-ins have a request's id:\n%s", n, log)
	}
	if !session.MatchString(log) {
		l.t.Errorf("no line of a session has its id:\n%s", log)
	}
}
