package cli

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/engine"
)

// TestVerifyJWT attacks I9: no token but one signed with our secret names a user.
func TestVerifyJWT(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	secret := []byte(strings.Repeat("s", minSecret))
	verify := verifyJWT(jwtTrust{secret: secret}, func() time.Time { return now })
	claims := func() jwt.MapClaims {
		return jwt.MapClaims{"sub": "ada", "name": "Ada L.", "rooms": []string{"tea", "maths"}, "exp": now.Add(time.Hour).Unix()}
	}
	sign := func(method jwt.SigningMethod, key any, c jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	with := func(name string, value any) string {
		c := claims()
		c[name] = value
		return sign(jwt.SigningMethodHS256, secret, c)
	}
	without := func(name string) string {
		c := claims()
		delete(c, name)
		return sign(jwt.SigningMethodHS256, secret, c)
	}

	good := sign(jwt.SigningMethodHS256, secret, claims())
	got, err := verify(good)
	want := engine.ExternalUser{Username: "ada", DisplayName: "Ada L.", Rooms: []string{"tea", "maths"}, Expires: now.Add(time.Hour + jwtLeeway)}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("verify = %+v, %v; want %+v", got, err, want)
	}
	if got, err = verify(without("exp")); err != nil || !got.Expires.IsZero() {
		t.Errorf("without exp: %+v, %v", got, err)
	}

	for name, token := range map[string]string{
		"nothing":         "",
		"not a token":     "a.b.c",
		"another secret":  sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", minSecret)), claims()),
		"no algorithm":    sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims()),
		"HS512":           sign(jwt.SigningMethodHS512, secret, claims()),
		"a changed one":   good[:len(good)-2] + "AA",
		"expired":         with("exp", now.Add(-jwtLeeway-time.Second).Unix()),
		"ends now":        with("exp", now.Add(-jwtLeeway).Unix()),
		"not yet":         with("nbf", now.Add(jwtLeeway+time.Second).Unix()),
		"no sub":          without("sub"),
		"sub of no text":  with("sub", 7),
		"rooms of no use": with("rooms", "tea"),
		"exp of no use":   with("exp", "tomorrow"),
	} {
		if got, err := verify(token); err == nil || !reflect.DeepEqual(got, engine.ExternalUser{}) {
			t.Errorf("%s: accepted as %+v, %v", name, got, err)
		}
	}
}
