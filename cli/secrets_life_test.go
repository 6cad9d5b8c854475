package cli

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestSecretsStayInside (I9): a node lives a whole life, its end by kill -9 included,
// and logs all it can, also while it is administered, reloads, asks an issuer for
// keys and an authority for a certificate. None of the secrets that it was given or
// gave, and nothing of what people wrote, is in its log, its metrics, its refusals,
// what commands print or the manifest of its backup; its export has no secret either.
func TestSecretsStayInside(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, format)
			l.refuseToStart()
			l.certify()
			l.start()
			l.accounts()
			l.otherBackend()
			l.messages()
			l.webSockets()
			l.polling()
			l.nonsense()
			l.look()
			l.end(syscall.SIGKILL)
			l.reloadable()
			l.start()
			l.afterwards()
			l.issuer()
			l.administer()
			l.reloads()
			l.commands()
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
	log           *lifeLog        // of all runs; whole when the process has ended
	refusals      strings.Builder // answers that are errors, with their headers
	shown         strings.Builder // metrics, the command line, and what commands print
	exported      string
	ada, bob, jwt string // tokens
	room          string
	config        string // a file; "" in the first run
	keys          *issuer
}

// lifeLog can be read while the node writes it.
type lifeLog struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next write
}

func newLifeLog() *lifeLog { return &lifeLog{more: make(chan struct{})} }

func (l *lifeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(p)
}

// look returns what there is, and what tells that there is more.
func (l *lifeLog) look() (text string, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.more
}

func (l *lifeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newLife(t *testing.T, format string) *life {
	l := &life{t: t, format: format, data: filepath.Join(t.TempDir(), "data"), secrets: map[string]string{}, log: newLifeLog()}
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
	l.cmd.Stderr = l.log
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
		l.t.Fatalf("not started: %q\n%s", l.greeting, l.log)
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
	l.checkExport()
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
