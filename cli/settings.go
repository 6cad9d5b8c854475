package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/cli/jwks"
	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
)

// setting is one thing that serve can be told: a flag, an environment variable
// and a key of the configuration file.
type setting struct {
	name     string
	shape    shape
	value    string // what to write, for --help
	usage    string
	fallback string // the default, as one would write it; empty: left unset
	derived  string // for --help, where a default depends on something else
	live     bool   // a running node takes it over at SIGHUP
	tls      bool   // but cannot begin or cease to serve TLS
	set      func(c *Config, text string) error
}

// env is the setting's environment variable: --max-message is KLATCH_MAX_MESSAGE.
func (s *setting) env() string { return envName(s.name) }

func envName(name string) string {
	return "KLATCH_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// settings is the one list of them, in the order of --help.
var settings = []setting{
	{name: "addr", value: "HOST:PORT", fallback: "127.0.0.1:8080",
		usage: "web client, REST, WebSocket and Socket.IO",
		set:   func(c *Config, text string) error { return setAddr(&c.Addr, text) }},
	{name: "ops-addr", value: "HOST:PORT", fallback: "127.0.0.1:8081",
		usage: "/metrics (Prometheus) and /debug/pprof; off for none",
		set:   setOpsAddr},
	{name: "data", value: "DIR", fallback: "./klatch-data",
		usage: "the data directory, made if missing",
		set:   func(c *Config, text string) error { c.Data = text; return nil }},
	{name: "memory", shape: sizeShape, value: "SIZE", fallback: "256MiB",
		usage: "total of all caches",
		set:   func(c *Config, text string) (err error) { c.Memory, err = parseSize(text); return err }},
	{name: "registration", live: true, value: "WHO", derived: "open on a loopback --addr, else invite",
		usage: "open, invite or closed",
		set:   setRegistration},
	{name: "cluster-addr", value: "HOST:PORT", derived: "off; with --join :7946, or 127.0.0.1:0 if all that is joined is on loopback",
		usage: "gossip and links between nodes, over TCP and UDP; makes this node one of a cluster",
		set:   setClusterAddr},
	{name: "cluster-advertise", value: "HOST:PORT",
		usage: "where other nodes reach --cluster-addr, if not there: behind NAT, or in a container with published ports",
		set:   setClusterAdvertise},
	{name: "join", shape: listShape, value: "HOST[:PORT],...",
		usage: "any members of the cluster, tried until one answers",
		set:   setJoin},
	{name: "cluster-key", shape: secretShape, value: "KEY",
		usage: "what all nodes of the cluster share, needed off loopback; klatch cluster key makes one; better not as a flag, which others on the machine can see",
		set:   func(c *Config, text string) (err error) { c.ClusterKey, err = cluster.ParseKey(text); return err }},
	{name: "write-concern", value: "LEVEL", fallback: "one",
		usage: "who has a write on disk when it is acknowledged: this node (local), one peer too (one), or more than half of all members (majority)",
		set:   setWriteConcern},
	{name: "heartbeat-interval", value: "DURATION", fallback: "25s",
		usage: "how long a real-time connection may be silent before it is asked",
		set:   func(c *Config, text string) error { return setDuration(&c.HeartbeatInterval, text) }},
	{name: "heartbeat-timeout", value: "DURATION", fallback: "20s",
		usage: "how long it then has to answer",
		set:   func(c *Config, text string) error { return setDuration(&c.HeartbeatTimeout, text) }},
	{name: "compression", shape: switchShape, value: "SWITCH", fallback: "off",
		usage: "on has WebSocket messages compressed for clients that can read that: fewer bytes for more work",
		set:   func(c *Config, text string) error { return setSwitch(&c.Compression, text) }},
	{name: "max-connections", shape: countShape, value: "N", derived: "from the descriptor limit",
		usage: "real-time connections of this node",
		set:   setMaxConnections},
	{name: "max-user-connections", live: true, shape: countShape, value: "N", fallback: "100",
		usage: "real-time connections of one user; 0 is no limit",
		set:   func(c *Config, text string) error { return setCount(&c.MaxUserConnections, text) }},
	{name: "max-address-connections", live: true, shape: countShape, value: "N", fallback: "0",
		usage: "real-time connections of one address; 0 is no limit",
		set:   func(c *Config, text string) error { return setCount(&c.MaxAddressConnections, text) }},
	{name: "rate-limit", live: true, value: "RATE", fallback: "20/s,burst=60",
		usage: "frames and unsafe requests of one user; off for benches and trusted networks",
		set:   func(c *Config, text string) (err error) { c.UserRate, err = parseRate(text); return err }},
	{name: "max-message", shape: sizeShape, value: "SIZE", fallback: "16KiB",
		usage: "body of a message",
		set:   setMaxMessage},
	{name: "tls-cert", live: true, tls: true, value: "FILE",
		usage: "serve TLS with this PEM certificate chain, read again when it changes",
		set:   func(c *Config, text string) error { c.TLSCert = text; return nil }},
	{name: "tls-key", live: true, tls: true, value: "FILE",
		usage: "its PEM key",
		set:   func(c *Config, text string) error { c.TLSKey = text; return nil }},
	{name: "acme-domain", shape: listShape, value: "HOST,...",
		usage: "serve TLS with a certificate for these names, got by ACME (RFC 8555) and renewed; the authority must reach --addr at their port 443, and who names them accepts its terms",
		set:   setACMEDomains},
	{name: "acme-directory", value: "URL", derived: "Let's Encrypt",
		usage: "of the certificate authority",
		set:   setACMEDirectory},
	{name: "acme-email", value: "ADDRESS",
		usage: "where the authority may write to",
		set:   setACMEEmail},
	{name: "trusted-proxies", live: true, shape: listShape, value: "CIDR,...", fallback: "loopback",
		usage: "whose X-Forwarded-For is believed: addresses, networks, loopback, or none",
		set:   setTrustedProxies},
	{name: "auth-jwt-secret", live: true, shape: secretShape, value: "SECRET",
		usage: "accept users of another backend by its HS256 JWTs signed with this; better not as a flag, which others on the machine can see",
		set:   setJWTSecret},
	{name: "auth-jwks", live: true, value: "URL",
		usage: "accept users of another backend by its JWTs signed with a key of this JWK Set (RFC 7517); https, or http on loopback and private networks",
		set:   setJWKS},
	{name: "auth-issuer", live: true, value: "ISSUER",
		usage: "the iss that JWTs must have, if any will not do",
		set:   func(c *Config, text string) error { c.JWTIssuer = text; return nil }},
	{name: "auth-audience", live: true, shape: listShape, value: "AUDIENCE,...",
		usage: "of which the aud of JWTs must name one, if any will not do; an issuer of many apps makes tokens for them all",
		set:   setJWTAudience},
	{name: "access-log", live: true, shape: switchShape, value: "SWITCH", fallback: "off",
		usage: "on logs every HTTP request, not only those that were refused or failed",
		set:   func(c *Config, text string) error { return setSwitch(&c.AccessLog, text) }},
	{name: "log-format", live: true, value: "FORMAT", fallback: "text",
		usage: "text or json",
		set:   setLogFormat},
	{name: "log-level", live: true, value: "LEVEL", fallback: "info",
		usage: "debug, info, warn or error",
		set:   setLogLevel},
}

func findSetting(name string) *setting {
	for i := range settings {
		if settings[i].name == name {
			return &settings[i]
		}
	}
	return nil
}

func settingNames() []string {
	var names []string
	for _, s := range settings {
		names = append(names, s.name)
	}
	return names
}

func setAddr(addr *string, text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is not an address: write HOST:PORT, such as 127.0.0.1:8080 or :8080", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port: it is a number from 0 to 65535", port)
	}
	*addr = text
	return nil
}

func setOpsAddr(c *Config, text string) error {
	if text == "off" {
		c.OpsAddr = ""
		return nil
	}
	return setAddr(&c.OpsAddr, text)
}

func setRegistration(c *Config, text string) error {
	switch r := engine.Registration(text); r {
	case engine.RegistrationOpen, engine.RegistrationInvite, engine.RegistrationClosed:
		c.Registration = r
		return nil
	}
	return fmt.Errorf("%q is not open, invite or closed", text)
}

// minHeartbeat keeps a slip of the pen (25ms) from flooding every client.
const minHeartbeat = time.Second

func setDuration(d *time.Duration, text string) error {
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration: write 25s or 1m30s", text)
	}
	if v < minHeartbeat {
		return fmt.Errorf("%s is too short: at least %s", text, minHeartbeat)
	}
	*d = v
	return nil
}

func setSwitch(on *bool, text string) error {
	switch text {
	case "on", "true":
		*on = true
	case "off", "false":
		*on = false
	default:
		return fmt.Errorf("%q is not on or off", text)
	}
	return nil
}

func setCount(n *int, text string) error {
	v, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is not a count: write a number from 0 up", text)
	}
	*n = int(v)
	return nil
}

func setMaxConnections(c *Config, text string) error {
	if err := setCount(&c.MaxConnections, text); err != nil {
		return err
	}
	if c.MaxConnections == 0 {
		return errors.New("0 connections would serve nobody")
	}
	return nil
}

func setMaxMessage(c *Config, text string) error {
	n, err := parseSize(text)
	c.MaxMessage = int(min(n, maxMessage+1)) // finish refuses it, on any word size
	return err
}

func setTrustedProxies(c *Config, text string) error {
	c.TrustedProxies = nil
	if text == "none" {
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		prefixes, err := parseNetwork(word)
		if err != nil {
			return fmt.Errorf("%q is not a network: write 10.0.0.0/8, an address, loopback or none", word)
		}
		c.TrustedProxies = append(c.TrustedProxies, prefixes...)
	}
	return nil
}

func parseNetwork(word string) ([]netip.Prefix, error) {
	if word == "loopback" {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, nil
	}
	if ip, err := netip.ParseAddr(word); err == nil {
		return []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(word)
	return []netip.Prefix{p.Masked()}, err
}

// minSecret is the size of the hash: RFC 7518, 3.2 asks for no less.
const minSecret = 32

func setJWTSecret(c *Config, text string) error {
	if len(text) < minSecret {
		return fmt.Errorf("the secret has %d bytes and needs at least %d, or others can guess it: openssl rand -base64 32 makes a good one", len(text), minSecret)
	}
	c.JWTSecret = []byte(text)
	return nil
}

func setJWKS(c *Config, text string) error {
	if text != "" {
		if err := jwks.CheckURL(text); err != nil {
			return err
		}
	}
	c.JWKS = text
	return nil
}

func setJWTAudience(c *Config, text string) error {
	c.JWTAudience = nil
	if text == "none" { // an empty list of the file
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			return errors.New("an audience is empty")
		}
		c.JWTAudience = append(c.JWTAudience, word)
	}
	return nil
}

func setLogFormat(c *Config, text string) error {
	if text != "text" && text != "json" {
		return fmt.Errorf("%q is not text or json", text)
	}
	c.LogFormat = text
	return nil
}

func setLogLevel(c *Config, text string) error {
	switch text {
	case "debug", "info", "warn", "error":
		return c.LogLevel.UnmarshalText([]byte(text))
	}
	return fmt.Errorf("%q is not debug, info, warn or error", text)
}
