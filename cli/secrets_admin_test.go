package cli

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// awaitLog waits until the node has logged something n times.
func (l *life) awaitLog(text string, n int) {
	l.t.Helper()
	late := time.After(time.Minute)
	for {
		logged, more := l.log.look()
		if strings.Count(logged, text) >= n {
			return
		}
		select {
		case <-more:
		case <-late:
			l.t.Fatalf("not logged %d times: %q\n%s", n, text, logged)
		}
	}
}

// certify is a node of its own that asks an authority which is not there, with an
// account's key of its own.
func (l *life) certify() {
	l.t.Helper()
	away, err := net.Listen("tcp", "127.0.0.1:0")
	l.fatal(err)
	away.Close()
	data, log := l.data, l.log
	l.data, l.log = filepath.Join(l.t.TempDir(), "data"), newLifeLog()
	cmd := l.command("--addr", "127.0.0.1:0", "--ops-addr", "off", "--log-level", "debug", "--acme-domain", "chat.example.test",
		"--acme-directory", "https://"+away.Addr().String()+"/dir")
	cmd.Stderr = l.log
	l.fatal(cmd.Start())
	l.awaitLog("cannot get a certificate", 1)
	l.fatal(cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		l.t.Errorf("the node with ACME ended with %v", err)
	}
	l.secrets["key of the ACME account"] = l.keyIn(filepath.Join(l.data, acmeDir))
	l.refusals.WriteString(l.log.String())
	l.data, l.log = data, log
}

// keyIn is the inner part of a private key that is kept in a directory.
func (l *life) keyIn(dir string) string {
	l.t.Helper()
	files, err := os.ReadDir(dir)
	l.fatal(err)
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		l.fatal(err)
		if _, key, ok := strings.Cut(string(text), "PRIVATE KEY-----\n"); ok {
			return key[:60]
		}
	}
	l.t.Fatalf("no key in %s: %v", dir, files)
	return ""
}

// reloadable has the next run read a file, which names an issuer too.
func (l *life) reloadable() {
	l.t.Helper()
	l.keys = newIssuer(l.t)
	l.keys.make("first")
	l.config = filepath.Join(l.t.TempDir(), "life.yaml")
	l.configure("auth-jwt-secret: " + l.secret("JWT secret of the file"))
	l.flags = append(l.flags[:len(l.flags)-2], "--config", l.config)
}

// configure writes the file; lines are what is not always there.
func (l *life) configure(lines ...string) {
	l.t.Helper()
	lines = append(lines, "auth-jwks: "+l.keys.URL, "auth-audience: chat", "")
	l.fatal(os.WriteFile(l.config, []byte(strings.Join(lines, "\n")), 0o600))
}

// issuer has its tokens taken, refused and, while it is down, not known.
func (l *life) issuer() {
	me := func(want int, of, token string) {
		l.t.Helper()
		l.secrets[of] = token
		l.ask(want, "GET", v1+"/me", bearer(token), "")
	}
	token := l.keys.token("first", "linus")
	me(200, "token of the issuer", token)
	me(401, "altered token of the issuer", token[:len(token)-8]+"AAAAAAAA")
	me(401, "token for another app", signed(l.t, jwt.SigningMethodES256, l.keys.keys["first"], map[string]any{"kid": "first"},
		jwt.MapClaims{"sub": "linus", "aud": "another", "email": l.secret("claim of the issuer")}))
	l.keys.turn(true)
	l.keys.make("second")
	token = l.keys.token("second", "linus")
	l.secrets["token of an unknown key"] = token
	l.ask(401, "GET", v1+"/me", bearer(token), "") // asked lately
}

// administer makes accounts, tokens, invites and bans, by REST and over the socket.
func (l *life) administer() {
	admin := func(want int, method, path, body string) string {
		l.t.Helper()
		return l.ask(want, method, v1+"/admin"+path, bearer(l.ada), body)
	}
	admin(201, "POST", "/users", object("username", "carol", "password", l.secret("carol's password"), "role", "admin"))
	admin(409, "POST", "/users", object("username", "carol", "password", l.secret("password of a taken name")))
	admin(422, "POST", "/users", object("username", "No Name", "password", l.secret("password of no account")))
	admin(422, "POST", "/users", `{"username":"dave","password":["`+l.secret("password in a list")+`"]}`)
	admin(400, "POST", "/users", `{"username":"dave","password":"`+l.secret("password in broken JSON")+`"`)
	admin(200, "PATCH", "/users/carol", object("password", l.secret("carol's new password")))
	admin(422, "PATCH", "/users/carol", object("role", l.secret("a role that is none")))
	admin(404, "PATCH", "/users/nobody-there", object("password", l.secret("password of nobody")))
	l.ask(403, "PATCH", v1+"/admin/users/ada", bearer(l.jwtOf(l.secrets["JWT secret of the file"])), object("password", l.secret("password by a stranger")))
	admin(409, "POST", "/users/carol/tokens", "{}")
	made := admin(201, "POST", "/invites", `{"admin":true,"note":"for a friend"}`)
	l.secrets["administrator's invite"] = l.field(made, "invite")
	admin(404, "DELETE", "/invites/"+l.secrets["administrator's invite"], "")
	admin(201, "POST", "/users", `{"username":"robot","bot":true}`)
	l.secrets["bot's token"] = l.field(admin(201, "POST", "/users/robot/tokens", `{"label":"night"}`), "token")
	l.ask(403, "GET", v1+"/admin/users", bearer(l.secrets["bot's token"]), "")
	l.ask(200, "GET", v1+"/me", bearer(l.secrets["bot's token"]), "")
	admin(404, "DELETE", "/users/robot/sessions/"+l.secrets["bot's token"], "")
	admin(201, "POST", "/bans", object("user", "robot", "reason", "loud"))
	l.ask(403, "GET", v1+"/me", bearer(l.secrets["bot's token"]), "")
	admin(422, "POST", "/purge", object("user", l.secret("a token for a name")))
	admin(422, "POST", "/purge", object("room", "tea", "cursor", l.secret("a cursor that is none")))
}

// jwtOf is a token of somebody who is no administrator.
func (l *life) jwtOf(secret string) string {
	l.t.Helper()
	token := signed(l.t, jwt.SigningMethodHS256, []byte(secret), nil,
		jwt.MapClaims{"sub": "heidi", "aud": "chat", "exp": time.Now().Add(time.Hour).Unix()})
	l.secrets["JWT by "+secret] = token
	return token
}

// reloads has the node read files with secrets that change, and with such as are wrong.
func (l *life) reloads() {
	l.t.Helper()
	const refused, read = "cannot take the configuration over", "read the configuration again"
	hang := func(text string, n int) {
		l.t.Helper()
		l.fatal(l.cmd.Process.Signal(syscall.SIGHUP))
		l.awaitLog(text, n)
	}
	for i, line := range []string{
		"auth-jwt-secret: short" + l.secret("short one of the file")[:8],
		"auth-jwt-secret: [" + l.secret("secret in a list") + "]",
		"auth-jwt-secret: \"" + l.secret("secret in broken YAML"),
		"auth-jwt-secrets: " + l.secret("secret of a misspelt setting"),
		"auth-jwt-secret:\n  of: " + l.secret("secret in a mapping"),
	} {
		l.configure(line)
		hang(refused, i+1)
	}
	l.secrets["short one of the file"] = "short" + l.secrets["short one of the file"][:8]
	l.configure("auth-jwt-secret: " + l.secret("next JWT secret of the file"))
	hang(read, 1)
	l.ask(200, "GET", v1+"/me", bearer(l.jwtOf(l.secrets["next JWT secret of the file"])), "")
	l.ask(401, "GET", v1+"/me", bearer(l.jwtOf(l.secrets["JWT secret of the file"])), "")
}

// commands are run as an operator does, and what they print is kept.
func (l *life) commands() {
	l.t.Helper()
	run := func(input string, args ...string) string {
		l.t.Helper()
		var out bytes.Buffer
		cmd := exec.Command("klatch", args...)
		cmd.Env = append(l.env[:len(l.env):len(l.env)], "KLATCH_DATA="+l.data)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &out
		if err := cmd.Run(); err != nil {
			l.t.Errorf("%q: %v\n%s", args, err, &out)
		}
		return out.String()
	}
	admin := func(args ...string) string { l.t.Helper(); return run("", append([]string{"admin"}, args...)...) }
	l.shown.WriteString(run(l.secret("password by standard input")+"\n", "admin", "user", "add", "erin", "--password-stdin"))
	l.secrets["operator's invite"] = l.field(admin("invite", "add", "--json"), "invite")
	l.secrets["operator's bot token"] = l.field(admin("token", "add", "robot", "--json"), "token")
	backup, export := filepath.Join(l.t.TempDir(), "backup"), filepath.Join(l.t.TempDir(), "export.jsonl")
	for _, args := range [][]string{
		{"stats", "--json"}, {"stats"}, {"user", "list", "--json"}, {"user", "show", "carol"}, {"user", "sessions", "robot", "--json"},
		{"token", "list", "robot", "--json"}, {"invite", "list", "--json"}, {"ban", "list", "--json"}, {"room", "list", "--json"},
		{"check", "--json"}, {"backup", backup}, {"backup", "verify", backup}, {"export", export},
	} {
		l.shown.WriteString(admin(args...))
	}
	for _, args := range [][]string{{"man"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"complete", "admin", "user", "show", ""}} {
		l.shown.WriteString(run("", args...))
	}
	manifest, err := os.ReadFile(filepath.Join(backup, "manifest.json"))
	l.fatal(err)
	l.shown.Write(manifest)
	text, err := os.ReadFile(export)
	l.fatal(err)
	l.exported = string(text)
}

// checkExport: without --secrets an export has messages that are there, and no secret.
func (l *life) checkExport() {
	l.t.Helper()
	there := map[string]bool{"body in a frame": true, "body in an event": true}
	for _, name := range l.leaks(l.exported) {
		if !there[name] {
			l.t.Errorf("the export holds the %s", name)
		}
		delete(there, name)
	}
	if len(there) > 0 {
		l.t.Errorf("the export lacks %v: was it one?", there)
	}
	for what, text := range map[string]string{"the export": l.exported, "the log": l.log.String(), "what is shown": l.shown.String(), "an answer": l.refusals.String()} {
		if strings.Contains(text, "$argon2") {
			l.t.Errorf("%s holds a password's hash", what)
		}
	}
	for _, part := range []string{`"disk_bytes"`, `.TH "`, "klatch_commit", "#compdef", `"erin"`, "carol", `"files"`} {
		if !strings.Contains(l.shown.String(), part) {
			l.t.Errorf("what was to be looked at has no %s", part)
		}
	}
}
