package cli

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

type values map[string]string

func (v values) lookup(name string) (string, bool) {
	text, ok := v[name]
	return text, ok
}

func load(flags, environment values) (Config, error) {
	return loadConfig(flags.lookup, environment.lookup)
}

func writeConfig(t *testing.T, text string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "klatch.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDefaults(t *testing.T) {
	got, err := load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got.recipe = recipe{}
	want := Config{
		Addr: "127.0.0.1:8080", OpsAddr: "127.0.0.1:8081", Data: "./klatch-data", Memory: 256 << 20,
		Registration: engine.RegistrationOpen, MaxMessage: 16 << 10, UserRate: engine.Rate{PerSecond: 20, Burst: 60},
		HeartbeatInterval: 25 * time.Second, HeartbeatTimeout: 20 * time.Second,
		MaxUserConnections: 100, WriteConcern: engine.DurableOne,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		LogFormat:      "text", LogLevel: slog.LevelInfo,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults are\n%+v, want\n%+v", got, want)
	}
}

func TestPrecedence(t *testing.T) {
	file := writeConfig(t, "data: from-file\nlog-level: warn\nmax-message: 1KiB\n")
	environment := values{"KLATCH_CONFIG": file, "KLATCH_DATA": "from-env", "KLATCH_LOG_LEVEL": "error", "KLATCH_REGISTRATION": ""}
	c, err := load(values{"data": "from-flag"}, environment)
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "from-flag" || c.LogLevel != slog.LevelError || c.MaxMessage != 1<<10 || c.Memory != 256<<20 {
		t.Errorf("data %q, log level %v, max message %d, memory %d: want flag, environment, file, default",
			c.Data, c.LogLevel, c.MaxMessage, c.Memory)
	}
	if c.Registration != engine.RegistrationOpen {
		t.Errorf("an empty variable set registration to %q", c.Registration)
	}
	other := writeConfig(t, "data: from-other-file\n")
	if c, err = load(values{"config": other}, values{"KLATCH_CONFIG": file}); err != nil || c.Data != "from-other-file" {
		t.Errorf("data %q, %v: --config did not beat KLATCH_CONFIG", c.Data, err)
	}
}

func TestRegistrationByAddress(t *testing.T) {
	for addr, want := range map[string]engine.Registration{
		"127.0.0.1:80": "open", "[::1]:80": "open", "localhost:80": "open", "127.9.9.9:80": "open",
		":80": "invite", "0.0.0.0:80": "invite", "192.0.2.1:80": "invite", "chat.example:80": "invite",
	} {
		c, err := load(values{"addr": addr}, nil)
		if err != nil || c.Registration != want {
			t.Errorf("registration on %s is %q, %v; want %q", addr, c.Registration, err, want)
		}
	}
	if c, _ := load(values{"addr": ":80", "registration": "closed"}, nil); c.Registration != "closed" {
		t.Errorf("registration %q: the address beat the flag", c.Registration)
	}
}

func TestConfigFileTypes(t *testing.T) {
	c, err := load(values{"config": writeConfig(t, `
addr: ":9000"
ops-addr: off
memory: 16777216
max-message: 2KiB
max-user-connections: 5
trusted-proxies: [10.0.0.0/8, loopback, 2001:db8::1]
compression: true
rate-limit: off
tls-cert: &pem pair.pem
tls-key: *pem
`)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != ":9000" || c.OpsAddr != "" || c.Memory != 16<<20 || c.MaxMessage != 2<<10 ||
		c.MaxUserConnections != 5 || c.UserRate != (engine.Rate{}) || !c.Compression || c.TLSKey != "pair.pem" || len(c.TrustedProxies) != 4 {
		t.Errorf("read as %+v", c)
	}
	for _, text := range []string{"true", "on", "True", `"on"`} {
		if c, err := load(values{"config": writeConfig(t, "compression: "+text)}, nil); err != nil || !c.Compression {
			t.Errorf("compression: %s is read as %v, %v", text, c.Compression, err)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "~\n"} {
		if _, err := load(values{"config": writeConfig(t, text)}, nil); err != nil {
			t.Errorf("file %q: %v", text, err)
		}
	}
	if c, err := load(values{"config": writeConfig(t, "trusted-proxies: []")}, nil); err != nil || c.TrustedProxies != nil {
		t.Errorf("an empty list is %v, %v", c.TrustedProxies, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown key", "adr: x", `klatch.yaml:1: adr is not a setting: did you mean "addr"?`},
		{"config in config", "config: x", "config is not a setting"},
		{"set twice", "data: a\nmemory: 8MiB\ndata: b", "klatch.yaml:3: data is set twice"},
		{"number for text", "data: 1.10", "klatch.yaml:1: data: expected text (put quotes around it), not the number 1.10"},
		{"truth for text", "log-level: true", "not the truth value true"},
		{"text for number", "max-connections: many", `expected a number, not "many"`},
		{"number for a switch", "compression: 1", "expected on or off, not the number 1"},
		{"quoted number", "max-connections: '7'", `expected a number, not "7"`},
		{"fraction for number", "max-connections: 1.5", "not the number 1.5"},
		{"list for text", "addr: [a, b]", "not a list"},
		{"mapping for text", "addr:\n  host: x", "not a mapping"},
		{"numbers in a list", "trusted-proxies: [1]", "not the number 1"},
		{"no value", "data:", "not nothing"},
		{"bad value", "\nmemory: lots", `klatch.yaml:2: memory: "lots" is not a size`},
		{"a list as document", "- a", "expected lines of the form key: value"},
		{"two documents", "data: a\n---\ndata: b", "more than one YAML document"},
		{"not YAML", "a: [", "klatch.yaml: yaml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(values{"config": writeConfig(t, c.file)}, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestValueErrors(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"addr", "8080", "is not an address"},
		{"addr", "localhost:http", "is not a port"},
		{"addr", "localhost:65536", "is not a port"},
		{"ops-addr", "127.0.0.1:8080", "metrics need an address of their own"},
		{"ops-addr", "none", "is not an address"},
		{"data", "", "must name a directory"},
		{"memory", "1MiB", "at least 8 MiB"},
		{"registration", "maybe", "is not open, invite or closed"},
		{"heartbeat-interval", "25", "is not a duration"},
		{"heartbeat-timeout", "25ms", "too short"},
		{"compression", "yes", "is not on or off"},
		{"max-connections", "0", "serve nobody"},
		{"max-connections", "-1", "is not a count"},
		{"max-user-connections", "9999999999", "is not a count"},
		{"rate-limit", "fast", "is not a rate"},
		{"max-message", "0", "between 1 byte and 16 MiB"},
		{"max-message", "8GiB", "between 1 byte and 16 MiB"},
		{"tls-cert", "x.pem", "come together"},
		{"trusted-proxies", "10.0.0.0/33", "is not a network"},
		{"trusted-proxies", "loopback,", "is not a network"},
		{"cluster-addr", "7946", "is not an address"},
		{"cluster-addr", "127.0.0.1:8080", "need a port of their own"},
		{"cluster-addr", "127.0.0.1:8081", "need a port of their own"},
		{"cluster-addr", "0.0.0.0:7946", "needs --cluster-key"},
		{"cluster-advertise", "192.0.2.1:7946", "belongs to --cluster-addr"},
		{"cluster-advertise", ":7946", "others can reach"},
		{"cluster-advertise", "192.0.2.1:0", "others can reach"},
		{"join", "", "names no host"},
		{"join", "a,,b", "names no host"},
		{"join", ":7946", "names no host"},
		{"join", "a:b:c", "is not an address"},
		{"join", "a:0", "is not a port"},
		{"join", "a:http", "is not a port"},
		{"cluster-key", "short", "is 32 bytes in base64"},
		{"write-concern", "all", "is not local, one or majority"},
		{"write-concern", "majority", "needs a cluster"},
		{"auth-jwt-secret", "short", "has 5 bytes and needs at least 32"},
		{"auth-jwks", "id.example.com", "is not a URL"},
		{"auth-jwks", "http://id.example.com/jwks", "must come by https"},
		{"auth-jwks", "https://ada:secret@id.example.com/", "must not hold a password"},
		{"auth-issuer", "https://id.example.com", "name --auth-jwks or --auth-jwt-secret too"},
		{"auth-audience", "chat", "name --auth-jwks or --auth-jwt-secret too"},
		{"auth-audience", "a,,b", "an audience is empty"},
		{"acme-domain", "localhost", "is not the name of a host"},
		{"acme-domain", "192.0.2.1", "is not the name of a host"},
		{"acme-domain", "*.example.com", "is not the name of a host"},
		{"acme-domain", "chat.example.com,", "is not the name of a host"},
		{"acme-domain", "chat.example.com:443", "is not the name of a host"},
		{"acme-directory", "http://ca.example.com", "is not an https URL"},
		{"acme-directory", "https://ca.example.com", "belong to --acme-domain"},
		{"acme-email", "ada", "is not an email address"},
		{"acme-email", "Ada <ada@example.com>", "is not an email address"},
		{"acme-email", "ada@example.com", "belong to --acme-domain"},
		{"log-format", "xml", "is not text or json"},
		{"log-level", "INFO+2", "is not debug, info, warn or error"},
	} {
		if _, err := load(values{c.name: c.value}, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("--%s %q: error %v, want %s", c.name, c.value, err, c.want)
		}
	}
	if _, err := load(values{"acme-domain": "chat.example.com", "tls-cert": "x", "tls-key": "x"}, nil); err == nil || !strings.Contains(err.Error(), "name one of them") {
		t.Errorf("two certificates: %v", err)
	}
	_, err := load(nil, values{"KLATCH_MEMORY": "x"})
	if err == nil || !strings.HasPrefix(err.Error(), "KLATCH_MEMORY: ") {
		t.Errorf("error %v does not name the variable", err)
	}
}

// TestSecretStaysSecret: no error quotes a secret.
func TestSecretStaysSecret(t *testing.T) {
	for name, secret := range map[string]string{"auth-jwt-secret": "31415", "cluster-key": "31415"} {
		for _, given := range []values{{name: secret}, {"config": writeConfig(t, name+": "+secret)}, {"config": writeConfig(t, name+": '"+secret+"'")}} {
			if _, err := load(given, nil); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%v: error %v", given, err)
			}
		}
	}
}
