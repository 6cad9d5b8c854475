package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Rate is a token bucket: so many a second, so many at once. Zero PerSecond is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// limiterTable bounds one generation of a Limiter's buckets.
const limiterTable = 1 << 16

// Limiter holds a bucket per key. Its memory is bounded: two generations of
// limiterTable buckets, the older forgotten when the newer is full, so a key
// that keeps asking keeps its bucket.
type Limiter[K comparable] struct {
	rate atomic.Pointer[Rate]
	now  func() time.Time

	refused atomic.Uint64

	mu        sync.Mutex
	cur, prev map[K]*rate.Limiter
}

// NewLimiter returns a limiter that gives every key the same rate.
func NewLimiter[K comparable](r Rate, now func() time.Time) *Limiter[K] {
	l := &Limiter[K]{now: now, cur: map[K]*rate.Limiter{}}
	l.rate.Store(&r)
	return l
}

// SetRate gives every key another rate, and a full bucket.
func (l *Limiter[K]) SetRate(r Rate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate.Store(&r)
	l.cur, l.prev = map[K]*rate.Limiter{}, nil
}

// Grant is the answer of a bucket that one is to be taken from.
type Grant struct {
	OK   bool
	Wait time.Duration // until there is one, if not OK
	Left int           // how many are left
	Full time.Duration // until the bucket is full again
}

// Rate returns what every key gets.
func (l *Limiter[K]) Rate() Rate { return *l.rate.Load() }

// Take takes one from key's bucket, if there is one.
func (l *Limiter[K]) Take(key K) Grant {
	r := l.Rate()
	if r.PerSecond <= 0 {
		return Grant{OK: true}
	}
	now := l.now()
	b := l.bucket(key)
	g := Grant{OK: b.AllowN(now, 1)}
	left := b.TokensAt(now)
	if !g.OK {
		l.refused.Add(1)
		g.Wait = r.refill(1 - left)
	}
	g.Left, g.Full = max(0, int(left)), r.refill(float64(b.Burst())-left)
	return g
}

// Refused is how often Take found nothing to take.
func (l *Limiter[K]) Refused() uint64 { return l.refused.Load() }

// refill is how long a bucket needs for so many.
func (r Rate) refill(tokens float64) time.Duration {
	return time.Duration(tokens / r.PerSecond * float64(time.Second))
}

// Allow is Take for those who only want to know whether, and if not, how long to wait.
func (l *Limiter[K]) Allow(key K) (wait time.Duration, ok bool) {
	g := l.Take(key)
	return g.Wait, g.OK
}

func (l *Limiter[K]) bucket(key K) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.cur[key]; ok {
		return b
	}
	if len(l.cur) >= limiterTable {
		l.cur, l.prev = map[K]*rate.Limiter{}, l.cur
	}
	b, ok := l.prev[key]
	if !ok {
		r := l.Rate()
		b = rate.NewLimiter(rate.Limit(r.PerSecond), max(1, r.Burst))
	}
	l.cur[key] = b
	return b
}

// RateError is the answer to one who asks too often.
func RateError(wait time.Duration) *Error {
	return &Error{Code: CodeRateLimited, Message: "too many requests; wait before the next one", RetryAfter: wait}
}

// Writes is the limit of what users do: protocols take one for every frame and
// every unsafe request, from the same bucket.
func (e *Engine) Writes() *Limiter[ID] { return e.userRate }

// Allow takes one from the user's bucket; its error says how long to wait.
func (e *Engine) Allow(user ID) error {
	if wait, ok := e.userRate.Allow(user); !ok {
		return RateError(wait)
	}
	return nil
}
