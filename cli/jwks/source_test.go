package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open returns a source of an issuer's keys and the clock of its bounds.
func open(t *testing.T, i *issuer) (*Source, *clock) {
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	s := Open(Config{URL: i.URL, Now: c.Now})
	t.Cleanup(func() { s.Close() })
	return s, c
}

func expect(t *testing.T, s *Source, id string, want error) {
	t.Helper()
	if _, err := s.Key(id, "ES256"); !errors.Is(err, want) {
		t.Errorf("key %q: %v, want %v", id, err, want)
	}
}

// TestRotation: a new key is found when a token names it, and a withdrawn one is gone.
func TestRotation(t *testing.T) {
	i := newIssuer(t)
	i.publish(written("one", p256Key().Public()))
	s, clock := open(t, i)
	expect(t, s, "one", nil)
	i.publish(written("two", p256Key().Public()))
	expect(t, s, "two", ErrUnknownKey) // asked a moment ago
	expect(t, s, "one", nil)
	clock.add(askEvery)
	expect(t, s, "two", nil)
	clock.add(askEvery)
	expect(t, s, "one", ErrUnknownKey)
	if got := i.count(); got != 3 {
		t.Errorf("asked %d times, want 3", got)
	}
}

// TestBadIssuer: whatever it answers, the keys that there are stay, and what they
// cannot say is not a refusal.
func TestBadIssuer(t *testing.T) {
	for name, bad := range badAnswers() {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.behave(bad)
			s, clock := open(t, i)
			expect(t, s, "old", ErrNoAnswer)
			i.publish(written("old", p256Key().Public()))
			clock.add(askEvery)
			expect(t, s, "old", nil)
			i.behave(bad)
			clock.add(askEvery)
			expect(t, s, "new", ErrNoAnswer)
			expect(t, s, "old", nil)
			i.publish(written("new", p256Key().Public()))
			clock.add(askEvery)
			expect(t, s, "new", nil)
			expect(t, s, "old", ErrUnknownKey)
		})
	}
	t.Run("none at all", func(t *testing.T) {
		i := newIssuer(t)
		i.Close()
		s, _ := open(t, i)
		expect(t, s, "old", ErrNoAnswer)
	})
}

// TestI6Strangers: many who name keys that there are not cost the issuer one question.
func TestI6Strangers(t *testing.T) {
	i := newIssuer(t)
	i.publish(written("one", p256Key().Public()))
	s, clock := open(t, i)
	expect(t, s, "one", nil)
	come, hold := make(chan struct{}, 10), make(chan struct{})
	i.behave(func(w http.ResponseWriter, _ *http.Request) {
		come <- struct{}{}
		<-hold
		w.WriteHeader(http.StatusTeapot)
	})
	clock.add(askEvery)
	errs := make(chan error, 2*maxWaiting)
	for n := range cap(errs) {
		go func() { _, err := s.Key(fmt.Sprint("stranger ", n), "ES256"); errs <- err }()
	}
	<-come
	for range cap(errs) - maxWaiting { // who finds no place is told at once
		if err := <-errs; !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
	}
	expect(t, s, "one", nil) // and nobody else waits
	close(hold)
	for range maxWaiting {
		if err := <-errs; !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
	}
	if got := i.count(); got != 2 {
		t.Errorf("asked %d times, want 2", got)
	}
}

// TestCloseLetsGo: nobody waits for an issuer of a source that has been closed.
func TestCloseLetsGo(t *testing.T) {
	i := newIssuer(t)
	come := make(chan struct{}, 1)
	i.behave(func(_ http.ResponseWriter, r *http.Request) {
		come <- struct{}{}
		<-r.Context().Done()
	})
	s, clock := open(t, i)
	<-come
	got := make(chan error)
	go func() { _, err := s.Key("one", "ES256"); got <- err }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
	clock.add(time.Hour)
	expect(t, s, "one", ErrNoAnswer)
}

// handler is an issuer without a network, for time that is not real.
type handler struct{ http.HandlerFunc }

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// TestRefresh: an issuer is asked again when its answer has gone stale, and after
// failures ever more seldom.
func TestRefresh(t *testing.T) {
	ok := string(set(written("one", p256Key().Public())))
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		answer := func(control string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", control)
				answers(http.StatusOK, ok)(w, nil)
			}
		}
		slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		turns := []http.HandlerFunc{
			answer(""), answer("public, max-age=120"), answer("max-age=1"), answer("max-age=999999999"), answer("no-store"),
			answers(http.StatusBadGateway, ""), slow, answers(http.StatusOK, "{}"), answer(""), answer(""),
		}
		s := Open(Config{URL: "https://id.example.com/jwks", Transport: handler{func(w http.ResponseWriter, r *http.Request) {
			n := len(at)
			at = append(at, time.Since(begun))
			turns[min(n, len(turns)-1)](w, r)
		}}})
		defer s.Close()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		want := []time.Duration{freshByDefault, 2 * time.Minute, freshAtLeast, freshAtMost, freshAtLeast,
			retryFirst, fetchPatience + 2*retryFirst, 4 * retryFirst, freshByDefault}
		sum := time.Duration(0)
		for n, d := range want {
			if sum += d; len(at) <= n+1 || at[n+1] != sum {
				t.Fatalf("asked at %v; want question %d at %v", at, n+2, sum)
			}
		}
		expect(t, s, "one", nil)
	})
}

// TestSlowIssuer: who needs the keys of one that does not answer waits no longer than a fetch may take.
func TestSlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(Config{URL: "https://id.example.com/jwks", Transport: handler{func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			if !errors.Is(r.Context().Err(), context.DeadlineExceeded) && !errors.Is(r.Context().Err(), context.Canceled) {
				t.Error(r.Context().Err())
			}
		}}})
		defer s.Close()
		begun := time.Now()
		expect(t, s, "one", ErrNoAnswer)
		if took := time.Since(begun); took != fetchPatience {
			t.Errorf("waited for %v", took)
		}
	})
}

func TestFreshness(t *testing.T) {
	for control, want := range map[string]time.Duration{
		"": freshByDefault, "max-age=300": 5 * time.Minute, `max-age="300"`: 5 * time.Minute, "Public, Max-Age=300": 5 * time.Minute,
		"max-age=-1": freshByDefault, "max-age=x": freshByDefault, "max-age=0": freshAtLeast, "no-cache, max-age=300": freshAtLeast, "max-age=2147483647": freshAtMost,
	} {
		h := http.Header{"Cache-Control": {control}}
		if got := freshness(h); got != want {
			t.Errorf("%q: %v, want %v", control, got, want)
		}
	}
	if got := freshness(http.Header{"Cache-Control": {"max-age=300"}, "Age": {"100"}}); got != 200*time.Second {
		t.Errorf("with an age: %v", got)
	}
}
