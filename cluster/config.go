package cluster

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// KeySize is the bytes of a cluster key.
const KeySize = 32

// Key is the secret that all members share. It never shows itself, in whatever
// way it is printed, encoded or logged. The zero Key is none, and good on loopback only.
type Key struct{ secret string }

// ParseKey reads base64 of 32 bytes, as `klatch cluster key` prints it.
func ParseKey(text string) (Key, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != KeySize {
		return Key{}, fmt.Errorf("a cluster key is %d bytes in base64: `klatch cluster key` makes one", KeySize)
	}
	return Key{string(b)}, nil
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.secret == "" }

// String keeps the secret out of logs.
func (k Key) String() string {
	if k.IsZero() {
		return "none"
	}
	return "(secret)"
}

// GoString keeps it out of %#v.
func (k Key) GoString() string { return k.String() }

// Format keeps it out of every verb.
func (k Key) Format(s fmt.State, _ rune) { fmt.Fprint(s, k.String()) }

// MarshalText keeps it out of JSON and slog.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Config is what a cluster node needs. Store and Bind must be set.
type Config struct {
	Store  engine.Store
	Logger *slog.Logger
	Now    func() time.Time

	Bind      string   // HOST:PORT for gossip and links, TCP and UDP
	Advertise string   // HOST:PORT under which others reach it; empty: worked out from Bind
	Join      []string // HOST[:PORT] of members, retried until one answers; a name may have many addresses
	Key       Key

	Concern engine.Durability // one
	Version string            // of the program, shown to the others
	Public  string            // HOST:PORT of the HTTP side, for load balancers; HOST empty: that of Advertise

	Tunnels int // the most that may be open of those dialled, and of those accepted; 1,024

	// For tests.
	seedAfter uint64                   // defaultSeedAfter
	twinAfter time.Duration            // how long a twin may be this node's last run
	admit     func(engine.Origin) bool // peers that may be linked; nil: all
}

// DefaultPort is that of --cluster-addr and of --join addresses that name none.
const DefaultPort = 7946

func (c Config) withDefaults() (Config, error) {
	if c.Store == nil {
		return c, errors.New("cluster: a Store is needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.twinAfter == 0 {
		c.twinAfter = 20 * time.Second
	}
	if c.seedAfter == 0 {
		c.seedAfter = defaultSeedAfter
	}
	if c.Tunnels == 0 {
		c.Tunnels = defaultTunnels
	}
	if c.Tunnels < 0 {
		return c, fmt.Errorf("cluster: %d tunnels", c.Tunnels)
	}
	switch c.Concern {
	case "":
		c.Concern = engine.DurableOne
	case engine.DurableLocal, engine.DurableOne, engine.DurableMajority:
	default:
		return c, fmt.Errorf("cluster: write concern %q is not local, one or majority", c.Concern)
	}
	if _, _, err := net.SplitHostPort(c.Bind); err != nil {
		return c, fmt.Errorf("cluster: %q is not an address: %w", c.Bind, err)
	}
	if c.Key.IsZero() && !(Loopback(c.Bind) && (c.Advertise == "" || Loopback(c.Advertise))) {
		return c, ErrNoKey
	}
	return c, nil
}

// ErrNoKey is returned for a cluster address off loopback without a key.
var ErrNoKey = errors.New("a cluster off loopback needs --cluster-key: `klatch cluster key` makes one, the same for all nodes")

// Loopback reports whether an address can be reached from this machine alone.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
