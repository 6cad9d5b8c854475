package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// backend is another backend whose tokens are its users' names after a prefix.
func backend(prefix string) func(string) (engine.ExternalUser, error) {
	return func(token string) (engine.ExternalUser, error) {
		name, ok := strings.CutPrefix(token, prefix)
		if !ok {
			return engine.ExternalUser{}, errors.New("not one of ours")
		}
		return engine.ExternalUser{Username: name}, nil
	}
}

// TestTune attacks I9: what is no longer trusted is refused at once, also where it
// was believed a moment ago.
func TestTune(t *testing.T) {
	n := openNode(t, func(c *engine.Config) { c.External = backend("one:") })
	expect := func(token string, want error) {
		t.Helper()
		if _, err := n.Authenticate(t.Context(), token); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", token, err, want)
		}
	}
	tune := func(change func(*engine.Tuning)) {
		t.Helper()
		next := n.Tuning()
		change(&next)
		if err := n.Tune(next); err != nil {
			t.Fatal(err)
		}
	}
	expect("one:ada", nil)
	expect("two:ada", engine.ErrUnauthorized)
	tune(func(g *engine.Tuning) { g.External = backend("two:") })
	expect("one:ada", engine.ErrUnauthorized)
	expect("two:ada", nil)
	tune(func(g *engine.Tuning) { g.External = nil })
	expect("two:ada", engine.ErrUnauthorized)

	n.user("bob")
	tune(func(g *engine.Tuning) { g.Registration = engine.RegistrationClosed })
	if _, _, _, err := n.Register(t.Context(), engine.Registering{Username: "eve", Password: "password-eve"}); !errors.Is(err, engine.ErrForbidden) {
		t.Errorf("registering where it is closed: %v", err)
	}

	user := engine.DerivedID("user", "ada")
	for range 10 { // there is no limit
		if err := n.Allow(user); err != nil {
			t.Fatal(err)
		}
	}
	tune(func(g *engine.Tuning) { g.UserRate = engine.Rate{PerSecond: 0.001, Burst: 1} })
	first, second := n.Allow(user), n.Allow(user)
	tune(func(g *engine.Tuning) { g.Registration = engine.RegistrationOpen })
	third := n.Allow(user)
	if first != nil || second == nil || third == nil {
		t.Errorf("with a limit of one: %v, %v; and after another change: %v", first, second, third)
	}

	if err := n.Tune(engine.Tuning{Registration: "maybe"}); err == nil || n.Registration() != engine.RegistrationOpen {
		t.Errorf("a registration of nonsense: %v, and %s is in force", err, n.Registration())
	}
}

// TestExternalUnavailable: a token that cannot be judged now is not refused.
func TestExternalUnavailable(t *testing.T) {
	n := openNode(t, func(c *engine.Config) {
		c.External = func(string) (engine.ExternalUser, error) {
			return engine.ExternalUser{}, &engine.Error{Code: engine.CodeUnavailable, RetryAfter: time.Minute}
		}
	})
	_, err := n.Authenticate(t.Context(), "token")
	if e := engine.AsError(err); e.Code != engine.CodeUnavailable || e.RetryAfter != time.Minute {
		t.Errorf("%v", err)
	}
}

// TestSignInTellsNothing attacks I9: whoever is named, a wrong password costs one
// hash and has one answer. A clock could not say so on a busy machine.
func TestSignInTellsNothing(t *testing.T) {
	n := openNode(t, func(c *engine.Config) { c.External = backend("x:") })
	n.user("ada")
	if _, err := n.Authenticate(t.Context(), "x:foreign"); err != nil { // a user without a password
		t.Fatal(err)
	}
	count, stop := n.CountHashes()
	defer stop()
	said := ""
	for _, c := range []struct {
		name, password string
		hashes         int
	}{
		{"ada", "wrong password", 1}, {"nobody", "wrong password", 1}, {"foreign", "wrong password", 1}, {"", "wrong password", 1},
		{strings.Repeat("n", 1000), "wrong password", 1}, {"foreign", "", 1}, {"nobody", "", 1}, {"ada", "", 1},
		{"ada", strings.Repeat("p", 1000), 0}, {"nobody", strings.Repeat("p", 1000), 0},
	} {
		_, _, err := n.Login(context.Background(), c.name, c.password, "")
		if !errors.Is(err, engine.ErrUnauthorized) {
			t.Errorf("%.20s: %v", c.name, err)
		}
		if said == "" {
			said = err.Error()
		}
		if got := count(); got != c.hashes || err.Error() != said {
			t.Errorf("%.20s with %.20q: %d hashes, want %d, and the answer %q", c.name, c.password, got, c.hashes, err)
		}
	}
	if _, _, err := n.Login(context.Background(), "ada", "password-ada", ""); err != nil || count() != 1 {
		t.Errorf("the right password: %v", err)
	}
}

// TestAlive: an engine whose committer hangs is not alive, however full its queue; one that ends is no case for a new start.
func TestAlive(t *testing.T) {
	n := openNode(t)
	alive := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return n.Alive(ctx)
	}
	hangs := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		return n.Alive(ctx) != nil
	}
	if err := alive(); err != nil {
		t.Fatal(err)
	}
	release, err := n.HoldCommitter()
	if err != nil {
		t.Fatal(err)
	}
	if !hangs() {
		t.Error("alive with a committer that hangs")
	}
	if n.FillQueue() == 0 || !hangs() {
		t.Error("alive with a committer that hangs, and a full queue")
	}
	release()
	if err := alive(); err != nil {
		t.Error(err)
	}
	n.shut()
	if err := alive(); err != nil {
		t.Errorf("closed: %v", err)
	}
}
