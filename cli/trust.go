package cli

import (
	"log/slog"
	"time"

	"github.com/klatch-chat/klatch/cli/jwks"
	"github.com/klatch-chat/klatch/engine"
)

// trust is in whose JWTs a node believes. Only the goroutine that opens, reloads
// and closes the node may call it; what it hands out, anybody may.
type trust struct {
	log  *slog.Logger
	now  func() time.Time
	url  string
	keys *jwks.Source // of url; nil: none
}

func openTrust(log *slog.Logger) *trust { return &trust{log: log, now: Clock} }

// set returns what verifies JWTs under a configuration, nil where none are
// accepted. forget ends what that before it was in need of, once nobody uses it.
func (t *trust) set(c Config) (external func(string) (engine.ExternalUser, error), forget func()) {
	forget = func() {}
	if c.JWKS != t.url {
		if old := t.keys; old != nil {
			forget = func() { _ = old.Close() } // has no error
		}
		t.url, t.keys = c.JWKS, t.open(c.JWKS)
	}
	if t.keys != nil && len(c.JWTAudience) == 0 {
		t.log.Warn("every token of this issuer is accepted, also those that it makes for other apps: name --auth-audience", "url", c.JWKS)
	}
	if c.JWTSecret == nil && t.keys == nil {
		return nil, forget
	}
	return verifyJWT(jwtTrust{secret: c.JWTSecret, keys: t.keys, issuer: c.JWTIssuer, audience: c.JWTAudience}, t.now), forget
}

func (t *trust) open(url string) *jwks.Source {
	if url == "" {
		return nil
	}
	return jwks.Open(jwks.Config{URL: url, Now: t.now, Logger: t.log})
}

func (t *trust) close() error {
	if t.keys == nil {
		return nil
	}
	return t.keys.Close()
}
