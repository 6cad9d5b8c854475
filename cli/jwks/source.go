package jwks

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// How often the issuer is asked beside what its answers say.
const (
	askEvery   = 10 * time.Second // for keys that tokens name
	retryFirst = 10 * time.Second // after a failure, doubled each time
	retryMost  = 10 * time.Minute
	maxWaiting = 256 // who wait for one fetch
)

// Why there is no key.
var (
	// ErrUnknownKey: the issuer has been asked, lately, and has no such key.
	ErrUnknownKey = errors.New("the issuer has no such key")
	// ErrMisfit: there is such a key, and it does not verify this algorithm.
	ErrMisfit = errors.New("the key is not for this algorithm")
	// ErrNoAnswer: there may be such a key, but the issuer cannot be asked now.
	ErrNoAnswer = errors.New("the issuer of keys does not answer")
)

// Config says where keys come from. URL must have passed CheckURL; the rest has defaults.
type Config struct {
	URL       string
	Now       func() time.Time
	Logger    *slog.Logger
	Transport http.RoundTripper
}

// Source holds an issuer's keys. Its methods may be called by any goroutine.
type Source struct {
	// Fixed after Open.
	url    string
	now    func() time.Time
	log    *slog.Logger
	client *http.Client
	wanted chan struct{} // somebody asks for a fetch
	cancel context.CancelFunc
	over   chan struct{} // closed when the fetching has ended

	mu      sync.Mutex
	keys    []key
	failed  bool          // the last fetch
	begun   time.Time     // the last fetch
	round   chan struct{} // closed when the fetch that runs, or has been asked for, is over; nil: none
	waiting int
}

// Open begins to fetch the keys, and does not wait for them. Close it.
func Open(c Config) *Source {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Source{
		url: c.URL, now: c.Now, log: c.Logger, client: newClient(c.Transport),
		wanted: make(chan struct{}, 1), cancel: cancel, over: make(chan struct{}),
		failed: true, round: make(chan struct{}), // who comes before the first keys waits for them
	}
	go s.run(ctx)
	return s
}

// Close ends the fetching. The keys that are there stay.
func (s *Source) Close() error {
	s.cancel()
	<-s.over
	return nil
}

// Key returns the key that a token names, or the only one that verifies its
// algorithm if it names none. It may wait for a fetch.
func (s *Source) Key(id, algorithm string) (crypto.PublicKey, error) {
	public, err := s.find(id, algorithm)
	if err == nil || errors.Is(err, ErrMisfit) {
		return public, err
	}
	round, crowded := s.ask()
	switch {
	case crowded:
		return nil, ErrNoAnswer
	case round == nil:
		return nil, err
	}
	<-round // ends: fetches are bounded, and Close ends them
	s.leave()
	return s.find(id, algorithm)
}

func (s *Source) find(id, algorithm string) (found crypto.PublicKey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	misfit, fits := false, 0
	for i := range s.keys {
		switch k := &s.keys[i]; {
		case id != "" && k.id != id:
		case !k.verifies(algorithm):
			misfit = true
		default:
			found = k.public
			fits++
		}
	}
	switch {
	case fits == 1:
		return found, nil
	case fits > 1:
		return nil, ErrUnknownKey // which of them, nobody said
	case misfit && id != "":
		return nil, ErrMisfit
	case s.failed:
		return nil, ErrNoAnswer
	}
	return nil, ErrUnknownKey
}

// ask returns what to wait for: the end of a fetch. It is nil where the last one
// was so lately that another would be too much.
func (s *Source) ask() (round <-chan struct{}, crowded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.round == nil {
		if s.now().Sub(s.begun) < askEvery {
			return nil, false
		}
		s.round = make(chan struct{})
		s.wanted <- struct{}{} // has room: begin empties it
	}
	if s.waiting >= maxWaiting {
		return nil, true
	}
	s.waiting++
	return s.round, false
}

func (s *Source) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
}

// run fetches at the start, when keys are no longer fresh, and when asked to.
func (s *Source) run(ctx context.Context) {
	defer close(s.over)
	defer s.endLast()
	retry := retryFirst
	for ctx.Err() == nil {
		s.begin()
		keys, next, err := s.fetch(ctx)
		if err == nil {
			retry = retryFirst
		} else {
			next, retry = retry, min(2*retry, retryMost)
		}
		s.end(ctx, keys, err)
		due := time.NewTimer(next)
		select {
		case <-due.C:
		case <-s.wanted:
		case <-ctx.Done():
		}
		due.Stop()
	}
}

func (s *Source) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = s.now()
	if s.round == nil {
		s.round = make(chan struct{})
	}
	select {
	case <-s.wanted: // came with the timer: this fetch is the one
	default:
	}
}

func (s *Source) end(ctx context.Context, keys []key, err error) {
	s.mu.Lock()
	had, failed := len(s.keys), s.failed
	if s.failed = err != nil; err == nil {
		s.keys = keys
	}
	close(s.round)
	s.round = nil
	s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil && had == 0:
		s.log.Warn("cannot fetch the keys of JWTs, no token of theirs is accepted before", "url", s.url, "err", err)
	case err != nil:
		s.log.Warn("cannot fetch the keys of JWTs, keeping the old ones", "url", s.url, "err", err)
	case failed:
		s.log.Info("fetched the keys of JWTs", "url", s.url, "keys", len(keys))
	}
}

// endLast lets go who asked for a fetch that will not be.
func (s *Source) endLast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.round != nil {
		close(s.round)
	}
	s.round = make(chan struct{}) // for those who come later: nothing to wait for
	close(s.round)
}
