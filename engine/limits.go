package engine

import (
	"sync"
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
	rate Rate
	now  func() time.Time

	mu        sync.Mutex
	cur, prev map[K]*rate.Limiter
}

// NewLimiter returns a limiter that gives every key the same rate.
func NewLimiter[K comparable](r Rate, now func() time.Time) *Limiter[K] {
	return &Limiter[K]{rate: r, now: now, cur: map[K]*rate.Limiter{}}
}

// Allow takes one from key's bucket, or says how long until there is one.
func (l *Limiter[K]) Allow(key K) (wait time.Duration, ok bool) {
	if l.rate.PerSecond <= 0 {
		return 0, true
	}
	now := l.now()
	b := l.bucket(key)
	if b.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - b.TokensAt(now)
	return time.Duration(missing / l.rate.PerSecond * float64(time.Second)), false
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
		b = rate.NewLimiter(rate.Limit(l.rate.PerSecond), max(1, l.rate.Burst))
	}
	l.cur[key] = b
	return b
}

// RateError is the answer to one who asks too often.
func RateError(wait time.Duration) *Error {
	return &Error{Code: CodeRateLimited, Message: "too many requests; wait before the next one", RetryAfter: wait}
}

// Allow takes one from the user's bucket; its error says how long to wait.
// Protocols call it for every frame and every unsafe request.
func (e *Engine) Allow(user ID) error {
	if wait, ok := e.userRate.Allow(user); !ok {
		return RateError(wait)
	}
	return nil
}
