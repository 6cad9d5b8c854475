package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/cli/jwks"
	"github.com/klatch-chat/klatch/engine"
)

// issuer is another backend's identity provider: it signs tokens, and publishes
// its keys while it is up.
type issuer struct {
	*httptest.Server
	t testing.TB

	mu    sync.Mutex
	keys  map[string]crypto.Signer
	isOff bool
}

func newIssuer(t testing.TB) *issuer {
	i := &issuer{t: t, keys: map[string]crypto.Signer{}}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

// make adds a key.
func (i *issuer) make(id string) crypto.Signer {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.add(id, key)
	return key
}

func (i *issuer) add(id string, key crypto.Signer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys[id] = key
}

func (i *issuer) turn(off bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.isOff = off
}

// ServeHTTP implements http.Handler.
func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.isOff {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	keys := []map[string]string{}
	for id, key := range i.keys {
		keys = append(keys, publicKey(id, key.Public()))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

func publicKey(id string, key crypto.PublicKey) map[string]string {
	b64 := base64.RawURLEncoding.EncodeToString
	if k, ok := key.(*rsa.PublicKey); ok {
		return map[string]string{"kty": "RSA", "kid": id, "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	}
	point, err := key.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		panic(err)
	}
	return map[string]string{"kty": "EC", "kid": id, "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
}

// signed makes a token; header names may be set to anything, nil takes one out.
func signed(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		if token.Header[name] = value; value == nil {
			delete(token.Header, name)
		}
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (i *issuer) token(id, user string) string {
	i.t.Helper()
	i.mu.Lock()
	key := i.keys[id]
	i.mu.Unlock()
	return signed(i.t, jwt.SigningMethodES256, key, map[string]any{"kid": id},
		jwt.MapClaims{"sub": user, "iss": i.URL, "aud": "chat", "exp": time.Now().Add(time.Hour).Unix()})
}

// TestI9Algorithms: what a token says of its algorithm makes nobody's signature good.
func TestI9Algorithms(t *testing.T) {
	i := newIssuer(t)
	ec := i.make("ec")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.add("rsa", rsaKey)
	keys := jwks.Open(jwks.Config{URL: i.URL})
	defer keys.Close()
	secret := []byte(strings.Repeat("s", minSecret))
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	both := verifyJWT(jwtTrust{secret: secret, keys: keys, issuer: "us", audience: []string{"chat", "mail"}}, time.Now)
	onlyKeys := verifyJWT(jwtTrust{keys: keys}, time.Now)
	onlySecret := verifyJWT(jwtTrust{secret: secret}, time.Now)
	nothing := verifyJWT(jwtTrust{}, time.Now)

	type header = map[string]any
	claims := func(changes ...any) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "ada", "iss": "us", "aud": []string{"mail", "other"}, "exp": time.Now().Add(time.Hour).Unix()}
		for n := 0; n < len(changes); n += 2 {
			if name := changes[n].(string); changes[n+1] == nil {
				delete(c, name)
			} else {
				c[name] = changes[n+1]
			}
		}
		return c
	}
	const none = jwt.UnsafeAllowNoneSignatureType
	es := signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims())
	hs := signed(t, jwt.SigningMethodHS256, secret, nil, claims())
	rs := signed(t, jwt.SigningMethodRS256, rsaKey, header{"kid": "rsa"}, claims())
	for name, c := range map[string]struct {
		verify func(string) (engine.ExternalUser, error)
		token  string
		ok     bool
	}{
		"a key":                               {both, es, true},
		"RSA":                                 {both, rs, true},
		"RSA-PSS":                             {both, signed(t, jwt.SigningMethodPS384, rsaKey, header{"kid": "rsa"}, claims()), true},
		"the only key that fits":              {both, signed(t, jwt.SigningMethodRS512, rsaKey, nil, claims()), true},
		"the secret":                          {both, hs, true},
		"one audience":                        {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("aud", "chat")), true},
		"a key, no secret":                    {onlyKeys, es, true},
		"none":                                {both, signed(t, jwt.SigningMethodNone, none, header{"kid": "rsa"}, claims()), false},
		"none, without algorithm":             {both, signed(t, jwt.SigningMethodNone, none, header{"alg": nil}, claims()), false},
		"HS256 with the public key as secret": {both, signed(t, jwt.SigningMethodHS256, public, header{"kid": "rsa"}, claims()), false},
		"HS256 with its bytes as secret":      {both, signed(t, jwt.SigningMethodHS256, der, header{"kid": "rsa"}, claims()), false},
		"HS256 with no secret, where there is one": {both, signed(t, jwt.SigningMethodHS256, []byte{}, nil, claims()), false},
		"HS256 with no secret, of keys":            {onlyKeys, signed(t, jwt.SigningMethodHS256, []byte{}, header{"kid": "rsa"}, claims()), false},
		"HS256 with no secret, of nothing":         {nothing, signed(t, jwt.SigningMethodHS256, []byte{}, nil, claims()), false},
		"HS512 with the secret":                    {both, signed(t, jwt.SigningMethodHS512, secret, nil, claims()), false},
		"a secret where there are keys only":       {onlyKeys, hs, false},
		"a key where there is a secret only":       {onlySecret, es, false},
		"another's key under our name":             {both, signed(t, jwt.SigningMethodES256, newIssuer(t).make("ec"), header{"kid": "ec"}, claims()), false},
		"a key by another's name":                  {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "rsa"}, claims()), false},
		"a name that is none":                      {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": 7}, claims()), false},
		"a name that nobody has":                   {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "../ec"}, claims()), false},
		"extensions":                               {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec", "crit": []string{"b64"}, "b64": true}, claims()), false},
		"another issuer":                           {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("iss", "them")), false},
		"no issuer":                                {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("iss", nil)), false},
		"another audience":                         {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("aud", "news")), false},
		"no audience":                              {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("aud", nil)), false},
		"another issuer, by secret":                {both, signed(t, jwt.SigningMethodHS256, secret, nil, claims("iss", "them")), false},
		"expired":                                  {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("exp", time.Now().Add(-time.Minute).Unix())), false},
		"no user":                                  {both, signed(t, jwt.SigningMethodES256, ec, header{"kid": "ec"}, claims("sub", nil)), false},
	} {
		if user, err := c.verify(c.token); (err == nil) != c.ok || (user.Username == "ada") != c.ok || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", name, user, err)
		}
	}
}

// TestIssuerIsDown: a token that cannot be judged is not refused, or clients would sign out.
func TestIssuerIsDown(t *testing.T) {
	i := newIssuer(t)
	i.make("one")
	i.turn(true)
	n, _ := startNode(t, t.TempDir(), values{"auth-jwks": i.URL, "auth-issuer": i.URL, "auth-audience": "chat", "registration": "closed"})
	url := n.public.url() + "/api/v1/me"
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+i.token("one", "ada"))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "10" {
		t.Errorf("answers %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if status := call(t, "GET", url, "no token at all", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("what is no token answers %d", status)
	}
}

// TestUsersOfAnIssuer: one who signs in with another backend's provider is a user here.
func TestUsersOfAnIssuer(t *testing.T) {
	i := newIssuer(t)
	i.make("one")
	n, _ := startNode(t, t.TempDir(), values{"auth-jwks": i.URL, "auth-issuer": i.URL, "auth-audience": "chat", "registration": "closed"})
	base := n.public.url() + "/api/v1"
	var me struct{ Username string }
	if status := call(t, "GET", base+"/me", i.token("one", "ada"), nil, &me); status != http.StatusOK || me.Username != "ada" {
		t.Errorf("me answers %d, %+v", status, me)
	}
	other := newIssuer(t)
	other.make("one")
	if status := call(t, "GET", base+"/me", other.token("one", "ada"), nil, nil); status != http.StatusUnauthorized {
		t.Errorf("another issuer's token answers %d", status)
	}
	i.turn(true)
	if status := call(t, "POST", base+"/rooms", i.token("one", "ada"), map[string]string{"name": "tea"}, nil); status != http.StatusCreated {
		t.Errorf("while the issuer is down its known key answers %d", status)
	}
}
