package api

import (
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// limits are the buckets that requests take from, each request from one: who
// has a token from the user's, who has none or a wrong one from the address's.
type limits struct {
	writes     quota[engine.ID] // also of real-time frames
	writesRate engine.Rate      // that its policy tells
	reads      quota[engine.ID]
	signIns    quota[netip.Prefix]
	strangers  quota[netip.Prefix]
	accounts   *engine.Limiter[accountName] // of sign-ins, beside the address's
}

// accountName stands for a name that somebody signs in with, of whatever length, or
// for who changes the own password.
type accountName [sha256.Size]byte

func newLimits(c *Config) *limits {
	return &limits{
		accounts:   engine.NewLimiter[accountName](c.AccountRate, c.Now),
		writes:     newQuota("writes", c.Engine.Writes()),
		writesRate: c.Engine.Writes().Rate(),
		reads:      newQuota("reads", engine.NewLimiter[engine.ID](c.ReadRate, c.Now)),
		signIns:    newQuota("sign-ins", engine.NewLimiter[netip.Prefix](c.LoginRate, c.Now)),
		strangers:  newQuota("strangers", engine.NewLimiter[netip.Prefix](c.StrangerRate, c.Now)),
	}
}

// quota is a limit that tells of itself in the fields RateLimit-Policy and
// RateLimit (draft-ietf-httpapi-ratelimit-headers-11): q is how many at once, w
// the seconds in which that many come back, r how many are left, t the seconds
// until all are.
type quota[K comparable] struct {
	limiter *engine.Limiter[K]
	policy  []string // nil: no limit
	name    string   // quoted
}

func newQuota[K comparable](name string, l *engine.Limiter[K]) quota[K] {
	q := quota[K]{limiter: l, name: strconv.Quote(name)}
	if r := l.Rate(); r.PerSecond > 0 {
		burst := max(1, r.Burst)
		q.policy = []string{fmt.Sprintf("%s;q=%d;w=%d", q.name, burst, int64(math.Ceil(float64(burst)/r.PerSecond)))}
	}
	return q
}

// take takes one, and has the answer say what is left.
func (q *quota[K]) take(h http.Header, key K) error {
	if q.policy == nil {
		return nil
	}
	g := q.limiter.Take(key)
	h["Ratelimit-Policy"] = q.policy
	h["Ratelimit"] = []string{q.name + ";r=" + strconv.Itoa(g.Left) + ";t=" + strconv.FormatInt(seconds(g.Full), 10)}
	if !g.OK {
		return engine.RateError(g.Wait)
	}
	return nil
}

// signIn takes one from an account's bucket, before anybody knows whether there
// is such an account: the answer to a guess must not tell.
func (l *limits) signIn(username string) error { return l.guess(sha256.Sum256([]byte(username))) }

// changePassword takes one from a bucket that no sign-in can empty: nobody knows a name of that hash.
func (l *limits) changePassword(user engine.ID) error {
	var name accountName
	copy(name[:], user[:])
	return l.guess(name)
}

func (l *limits) guess(name accountName) error {
	if wait, ok := l.accounts.Allow(name); !ok {
		return engine.RateError(wait)
	}
	return nil
}

// seconds is a duration in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
