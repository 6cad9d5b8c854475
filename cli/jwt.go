package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/engine"
)

// externalClaims are the claims of RFC 7519 and ours in another backend's token.
type externalClaims struct {
	jwt.RegisteredClaims
	Name  string   `json:"name"`
	Rooms []string `json:"rooms"`
}

// verifyJWT returns the check of another backend's tokens. It believes HS256
// with our secret and nothing else: a token that names its own algorithm, or
// none, proves nothing. Without an exp claim the user's Expires is zero.
func verifyJWT(secret []byte, now func() time.Time) func(token string) (engine.ExternalUser, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithTimeFunc(now),
	)
	key := func(*jwt.Token) (any, error) { return secret, nil }
	return func(token string) (engine.ExternalUser, error) {
		var claims externalClaims
		if _, err := parser.ParseWithClaims(token, &claims, key); err != nil {
			return engine.ExternalUser{}, fmt.Errorf("verify JWT: %w", err)
		}
		if claims.Subject == "" {
			return engine.ExternalUser{}, errors.New("verify JWT: no sub claim to name the user")
		}
		user := engine.ExternalUser{Username: claims.Subject, DisplayName: claims.Name, Rooms: claims.Rooms}
		if claims.ExpiresAt != nil {
			user.Expires = claims.ExpiresAt.Time
		}
		return user, nil
	}
}
