package cli

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

// Write implements io.Writer.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(line))
	return len(line), nil
}

// take returns what has come since the last time.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := strings.Join(l.all, "")
	l.all = nil
	return taken
}

// reloadable is a node whose configuration file a test rewrites.
type reloadable struct {
	*node
	t    *testing.T
	file string
	log  lines
}

func newReloadable(t *testing.T, text string) *reloadable {
	t.Helper()
	r := &reloadable{t: t, file: filepath.Join(t.TempDir(), "klatch.yaml")}
	r.write(text)
	given := values{"config": r.file, "addr": "127.0.0.1:0", "ops-addr": "off", "data": t.TempDir(), "memory": "8MiB"}
	read := func() (Config, texts, error) { return loadSettings(given.lookup, values{}.lookup) }
	config, written, err := read()
	if err != nil {
		t.Fatal(err)
	}
	log, logs := newLogger(&r.log, config)
	if r.node, err = openNode(context.Background(), config, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.shut(); err != nil {
			t.Error(err)
		}
	})
	r.reload.read, r.reload.texts, r.reload.logs = read, written, logs
	return r
}

func (r *reloadable) write(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// again has the node read a new file, and returns what it logs of that.
func (r *reloadable) again(text string) string {
	r.t.Helper()
	r.write(text)
	r.log.take()
	r.reload.reload()
	return r.log.take()
}

func (r *reloadable) registers(name string) bool {
	r.t.Helper()
	_, status := register(r.t, r.node, name, "")
	return status == http.StatusCreated
}

func secretToken(t *testing.T, secret, user string) string {
	return signed(t, jwt.SigningMethodHS256, []byte(secret), nil, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()})
}

// TestReload: each setting that a running node can change takes effect.
func TestReload(t *testing.T) {
	one, two := strings.Repeat("1", minSecret), strings.Repeat("2", minSecret)
	n := newReloadable(t, "registration: open\nauth-jwt-secret: '"+one+"'\nmax-user-connections: 1\nmax-message: 1KiB\n")
	url := n.public.url() + "/api/v1"
	me := func(secret string) int { return call(t, "GET", url+"/me", secretToken(t, secret, "grace"), nil, nil) }
	if ok := n.registers("ada"); !ok || me(one) != 200 || me(two) != 401 {
		t.Fatal("not as configured")
	}
	first := dialRaw(t, n.node, secretToken(t, one, "grace"))
	defer first.conn.Close()
	first.read()

	said := n.again("registration: closed\nauth-jwt-secret: '" + two + "'\nmax-user-connections: 2\nmax-message: 2KiB\n" +
		"rate-limit: 7/s\nlog-format: json\naccess-log: on\ntrusted-proxies: none\n")
	for _, want := range []string{
		`"setting":"registration","was":"open","is":"closed"`, `"setting":"auth-jwt-secret","was":"SECRET","is":"SECRET"`,
		`"setting":"max-user-connections","was":"1","is":"2"`, `"setting":"log-format","was":"text","is":"json"`,
		`"msg":"some settings have changed and wait for a restart","settings":"max-message"`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing said of %s:\n%s", want, said)
		}
	}
	if strings.Contains(said, one) || strings.Contains(said, two) {
		t.Errorf("a secret is in the log:\n%s", said)
	}
	if n.registers("eve") {
		t.Error("registration is still open")
	}
	if a, b := me(one), me(two); a != 401 || b != 200 {
		t.Errorf("the old secret answers %d, the new one %d", a, b)
	}
	second := dialRaw(t, n.node, secretToken(t, two, "grace"))
	defer second.conn.Close()
	if frame := string(second.read()); !strings.Contains(frame, `"ready"`) {
		t.Errorf("the second connection got %s", frame)
	}

	n.log.take()
	r, err := http.NewRequest(http.MethodPatch, url+"/me", strings.NewReader(`{"display_name":"G"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+secretToken(t, two, "grace"))
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if policy := resp.Header.Get("Ratelimit-Policy"); resp.StatusCode != 200 || policy != `"writes";q=21;w=3` {
		t.Errorf("answers %s, policy %s", resp.Status, policy)
	}
	if line := n.log.take(); !strings.Contains(line, `"client":"127.0.0.1"`) || !strings.Contains(line, `"status":200`) {
		t.Errorf("the access log, and whom it believes: %q", line)
	}

	if said = n.again("registration: closed\nauth-jwt-secret: '" + two + "'\nmax-address-connections: 1\nlog-level: warn\n"); strings.Contains(said, "a setting has changed") {
		t.Errorf("the new level does not count:\n%s", said)
	}
	if conn, resp := upgrade(t, n.node); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a connection more than the address may have answers %s", resp.Status)
	} else {
		conn.Close()
	}
}

// TestReloadOfNonsense: what is wrong changes nothing, not even what is right beside it.
func TestReloadOfNonsense(t *testing.T) {
	n := newReloadable(t, "registration: closed\n")
	for _, text := range []string{
		"registration: open\nlog-format: xml\n", "registration: open\nadr: x\n", "registration: open\naddr: [\n",
		"registration: open\nauth-issuer: x\n", "registration: open\ntls-cert: only.pem\n",
	} {
		if said := n.again(text); !strings.Contains(said, "keeping the old one") || strings.Contains(said, "a setting has changed") {
			t.Errorf("%s is taken as\n%s", text, said)
		}
		if n.registers("eve") {
			t.Fatalf("%s opened registration", text)
		}
	}
	if err := os.Remove(n.file); err != nil {
		t.Fatal(err)
	}
	if n.reload.reload(); !strings.Contains(n.log.take(), "keeping the old one") {
		t.Error("nothing said of a missing file")
	}
	if n.again("registration: open\n"); !n.registers("ada") {
		t.Error("registration is still closed")
	}
}

// TestReloadDerivesFromWhatIs: who may register follows the address that is
// listened on, not one that waits for a restart.
func TestReloadDerivesFromWhatIs(t *testing.T) {
	n := newReloadable(t, "log-format: text\n")
	n.reload.config.Addr = ":8080" // as if it had been started there
	if n.again("log-format: json\n"); n.registers("eve") {
		t.Error("registration is open on a public address")
	}
}

// TestReloadTLS: other files count at once; broken ones keep the old, and all else too.
func TestReloadTLS(t *testing.T) {
	dir := t.TempDir()
	pair := func(name string, serial int64) string {
		c := Config{TLSCert: filepath.Join(dir, name+".crt"), TLSKey: filepath.Join(dir, name+".key")}
		writePair(t, c, serial)
		return "tls-cert: " + c.TLSCert + "\ntls-key: " + c.TLSKey + "\n"
	}
	one, two := pair("one", 1), pair("two", 2)
	n := newReloadable(t, one)
	serial := func() int64 {
		conn, err := tls.Dial("tcp", n.public.net.Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what it is, we just made
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("certificate %d at first", got)
	}
	if n.again(two); serial() != 2 {
		t.Error("the new files do not count")
	}
	if err := os.WriteFile(filepath.Join(dir, "one.key"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := n.again(one + "access-log: on\n"); !strings.Contains(said, "keeping the old one") || n.reload.config.AccessLog || serial() != 2 {
		t.Errorf("broken files: certificate %d, and\n%s", serial(), said)
	}
	if said := n.again("access-log: on\n"); !strings.Contains(said, "wait for a restart") || !strings.Contains(said, "tls-cert, tls-key") || serial() != 2 {
		t.Errorf("without TLS: certificate %d, and\n%s", serial(), said)
	}
}

// TestRetuned: exactly the settings that say so are taken over by a running node.
func TestRetuned(t *testing.T) {
	other := map[string]string{
		"addr": "127.0.0.1:9", "ops-addr": "127.0.0.1:8", "data": "other", "memory": "9MiB", "registration": "closed",
		"cluster-addr": "127.0.0.1:7", "cluster-advertise": "192.0.2.1:7", "join": "192.0.2.1", "cluster-key": strings.Repeat("A", 43) + "=",
		"write-concern": "local", "heartbeat-interval": "9s", "heartbeat-timeout": "9s", "compression": "on",
		"max-connections": "9", "max-user-connections": "9", "max-address-connections": "9", "rate-limit": "9/s", "max-message": "9KiB",
		"tls-cert": "other.pem", "tls-key": "other.key", "acme-domain": "chat.example.com", "acme-directory": "https://ca.example.com/", "acme-email": "ada@example.com",
		"trusted-proxies": "10.0.0.0/8", "auth-jwt-secret": strings.Repeat("x", minSecret), "auth-jwks": "https://id.example.com/", "auth-issuer": "x", "auth-audience": "x",
		"access-log": "on", "log-format": "json", "log-level": "debug",
	}
	if names := settingNames(); len(names) != len(other) {
		t.Errorf("%d settings and %d other values", len(names), len(other))
	}
	base := Config{TLSCert: "a.pem", TLSKey: "a.key"}
	for i := range settings {
		s := &settings[i]
		next := base
		if err := s.set(&next, other[s.name]); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if reflect.DeepEqual(next, base) {
			t.Errorf("%s changes nothing", s.name)
		}
		want := base
		if s.live {
			want = next
		}
		if got := base.retuned(next); !reflect.DeepEqual(got, want) {
			t.Errorf("%s (live: %v): %+v", s.name, s.live, got)
		}
	}
	if live := strings.Split(liveSettings(), ", "); !slices.Contains(live, "log-level") || slices.Contains(live, "data") {
		t.Errorf("told as live: %v", live)
	}
}

// TestReloadOfIssuers attacks I9: another issuer's keys count at once, and the old
// one's no more; the same issuer is not asked again for what it has told.
func TestReloadOfIssuers(t *testing.T) {
	one, two := newIssuer(t), newIssuer(t)
	one.make("k")
	two.make("k")
	n := newReloadable(t, "auth-jwks: "+one.URL+"\nauth-audience: chat\n")
	me := func(i *issuer) int {
		return call(t, "GET", n.public.url()+"/api/v1/me", i.token("k", "ada"), nil, nil)
	}
	expect := func(when string, i *issuer, want int) {
		t.Helper()
		if got := me(i); got != want {
			t.Errorf("%s: %d, want %d", when, got, want)
		}
	}
	expect("the first issuer", one, 200)
	expect("another", two, 401)
	one.turn(true)
	if said := n.again("auth-jwks: " + one.URL + "\nauth-audience: mail\n"); !strings.Contains(said, `setting=auth-audience was=chat is=mail`) {
		t.Errorf("nothing said of the audience:\n%s", said)
	}
	expect("for another app", one, 401)
	if said := n.again("auth-jwks: " + one.URL + "\n"); !strings.Contains(said, "name --auth-audience") {
		t.Errorf("no warning of a missing audience:\n%s", said)
	}
	expect("of any audience, by keys that are there", one, 200)
	n.again("auth-jwks: " + two.URL + "\nauth-audience: chat\n")
	expect("after the change, the first", one, 401)
	expect("after the change, the second", two, 200)
	n.again("registration: closed\n")
	expect("where no issuer is believed", two, 401)
}
