package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
)

// Config is everything that serve can be told. The defaults stand in settings.
type Config struct {
	Addr    string
	OpsAddr string // empty: none

	Data   string
	Memory int64 // bytes of all caches together

	Registration engine.Registration
	MaxMessage   int
	UserRate     engine.Rate

	// Users of another backend, by its JWTs: signed with a secret, with a key of a
	// set, or with either. Neither: there are none.
	JWTSecret   []byte
	JWKS        string   // URL
	JWTIssuer   string   // empty: any
	JWTAudience []string // empty: any

	ClusterAddr      string   // gossip and links; empty: no cluster
	ClusterAdvertise string   // empty: worked out from ClusterAddr
	Join             []string // HOST:PORT of members
	ClusterKey       cluster.Key
	WriteConcern     engine.Durability

	HeartbeatInterval, HeartbeatTimeout time.Duration
	Compression                         bool // of WebSocket messages, for clients that offer it
	AccessLog                           bool
	// The most connections: of the node, of one user, of one address. Zero is no
	// limit, but for MaxConnections, where it means as many as descriptors allow.
	MaxConnections, MaxUserConnections, MaxAddressConnections int

	TLSCert, TLSKey string
	// Certificates by ACME instead, for these names.
	ACMEDomains              []string
	ACMEDirectory, ACMEEmail string // empty: Let's Encrypt, and none

	TrustedProxies []netip.Prefix

	LogFormat string
	LogLevel  slog.Level

	inherited inherited // from the service manager
	recipe    recipe    // what all this was made of
}

// tls reports whether the node speaks TLS itself.
func (c *Config) tls() bool { return c.TLSCert != "" || len(c.ACMEDomains) > 0 }

// minMemory is less than which the store cannot work well.
const minMemory = 8 << 20

// maxMessage bounds --max-message: a frame is held in memory as a whole.
const maxMessage = 16 << 20

// finish derives what depends on other settings, and refuses what does not fit together.
func (c *Config) finish() error {
	if c.Registration == "" {
		c.Registration = defaultRegistration(c.Addr)
	}
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key come together: name both or neither")
	case c.TLSCert != "" && len(c.ACMEDomains) > 0:
		return errors.New("--acme-domain and --tls-cert are two ways to one certificate: name one of them")
	case len(c.ACMEDomains) == 0 && (c.ACMEDirectory != "" || c.ACMEEmail != ""):
		return errors.New("--acme-directory and --acme-email belong to --acme-domain: name that too")
	case c.OpsAddr == c.Addr && !ephemeral(c.Addr):
		return fmt.Errorf("--addr and --ops-addr are both %s: metrics need an address of their own", c.Addr)
	case c.Memory < minMemory:
		return fmt.Errorf("--memory must be at least %d MiB", minMemory>>20)
	case c.MaxMessage < 1 || c.MaxMessage > maxMessage:
		return fmt.Errorf("--max-message must be between 1 byte and %d MiB", maxMessage>>20)
	case c.Data == "":
		return errors.New("--data must name a directory")
	}
	if c.JWTSecret == nil && c.JWKS == "" && (c.JWTIssuer != "" || len(c.JWTAudience) > 0) {
		return errors.New("--auth-issuer and --auth-audience say which JWTs to accept: name --auth-jwks or --auth-jwt-secret too")
	}
	return c.finishCluster()
}

func defaultRegistration(addr string) engine.Registration {
	if loopback(addr) {
		return engine.RegistrationOpen
	}
	return engine.RegistrationInvite
}

// loopback reports whether only this machine can reach addr.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// ephemeral reports whether addr leaves the port to the system.
func ephemeral(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	return err == nil && port == "0"
}
