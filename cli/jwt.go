package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/cli/jwks"
	"github.com/klatch-chat/klatch/engine"
)

// jwtTrust is whose JWTs are believed, and which of them.
type jwtTrust struct {
	secret   []byte       // of HS256; nil: no such tokens
	keys     *jwks.Source // of what has a public key; nil: no such tokens
	issuer   string       // that iss must name; empty: whoever holds the key
	audience []string     // of which aud must name one; empty: whoever it is for
}

// jwtLeeway is how far the issuer's clock may be from ours.
const jwtLeeway = 30 * time.Second

// externalClaims are the claims of RFC 7519 and ours in another backend's token.
type externalClaims struct {
	jwt.RegisteredClaims
	Name  string   `json:"name"`
	Rooms []string `json:"rooms"`
}

// verifyJWT returns the check of another backend's tokens. Which algorithm may
// be used is for the kind of the key to say, never for the token: it may choose
// between those of keys that we have, and HS256 is verified with the secret
// alone. Without an exp claim the user's Expires is zero; else it covers the leeway.
func verifyJWT(trust jwtTrust, now func() time.Time) func(token string) (engine.ExternalUser, error) {
	parser := jwt.NewParser(trust.options(now)...)
	return func(token string) (engine.ExternalUser, error) {
		var claims externalClaims
		_, err := parser.ParseWithClaims(token, &claims, trust.key)
		switch {
		case errors.Is(err, jwks.ErrNoAnswer):
			return engine.ExternalUser{}, &engine.Error{Code: engine.CodeUnavailable, Err: err, RetryAfter: keysRetry,
				Message: "whose token this is cannot be found out now: the issuer of its key does not answer"}
		case err != nil:
			return engine.ExternalUser{}, fmt.Errorf("verify JWT: %w", err)
		case claims.Subject == "":
			return engine.ExternalUser{}, errors.New("verify JWT: no sub claim to name the user")
		}
		return claims.user(), nil
	}
}

// keysRetry is when the issuer may be asked again.
const keysRetry = 10 * time.Second

func (c *externalClaims) user() engine.ExternalUser {
	user := engine.ExternalUser{Username: c.Subject, DisplayName: c.Name, Rooms: c.Rooms}
	if c.ExpiresAt != nil {
		user.Expires = c.ExpiresAt.Add(jwtLeeway)
	}
	return user
}

func (t *jwtTrust) options(now func() time.Time) []jwt.ParserOption {
	options := []jwt.ParserOption{
		jwt.WithValidMethods(t.algorithms()), jwt.WithTimeFunc(now), jwt.WithLeeway(jwtLeeway), jwt.WithStrictDecoding(),
	}
	if t.issuer != "" {
		options = append(options, jwt.WithIssuer(t.issuer))
	}
	if len(t.audience) > 0 {
		options = append(options, jwt.WithAudience(t.audience...))
	}
	return options
}

func (t *jwtTrust) algorithms() []string {
	all := []string{} // never nil, which would be any
	if t.secret != nil {
		all = append(all, jwt.SigningMethodHS256.Alg())
	}
	if t.keys != nil {
		all = append(all, jwks.Algorithms...)
	}
	return all
}

// key finds what verifies a token whose algorithm is one of ours.
func (t *jwtTrust) key(token *jwt.Token) (any, error) {
	if _, ok := token.Header["crit"]; ok { // RFC 7515, 4.1.11: we know no extension
		return nil, errors.New("crit names extensions that are not known here")
	}
	if token.Method == jwt.SigningMethodHS256 {
		return t.secret, nil
	}
	id, ok := token.Header["kid"].(string)
	if _, given := token.Header["kid"]; given && !ok {
		return nil, errors.New("kid is no text")
	}
	return t.keys.Key(id, token.Method.Alg())
}
