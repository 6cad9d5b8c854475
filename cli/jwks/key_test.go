package jwks

import (
	"bytes"
	"crypto"
	"errors"
	"slices"
	"testing"
)

// TestAlgorithmsOfKeys attacks I9: a key verifies what its type is for, and nothing else.
func TestAlgorithmsOfKeys(t *testing.T) {
	rsa, p256, p384, ed := written("k", rsaKey().Public()), written("k", p256Key().Public()), written("k", p384Key().Public()), written("k", edwardKey().Public())
	for name, c := range map[string]struct {
		key  member
		want []string
	}{
		"RSA":            {rsa, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		"P-256":          {p256, []string{"ES256"}},
		"P-384":          {p384, []string{"ES384"}},
		"Ed25519":        {ed, []string{"EdDSA"}},
		"RSA, for PS384": {with(rsa, "alg", "PS384"), []string{"PS384"}},
		"for signatures": {with(with(p256, "use", "sig"), "key_ops", []string{"verify"}), []string{"ES256"}},
		"with more":      {with(p256, "x5t", []int{1}), []string{"ES256"}},
	} {
		keys, err := parseSet(set(c.key))
		if err != nil || len(keys) != 1 || !slices.Equal(keys[0].algorithms, c.want) || keys[0].id != "k" {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
		if len(keys) == 1 && (keys[0].verifies("none") || keys[0].verifies("HS256") || keys[0].verifies("")) {
			t.Errorf("%s verifies what has no public key", name)
		}
	}
}

// TestKeysOfNoUse: one that is not as it should be does not spoil those beside it.
func TestKeysOfNoUse(t *testing.T) {
	rsa, p256, ed := written("k", rsaKey().Public()), written("k", p256Key().Public()), written("k", edwardKey().Public())
	for name, bad := range map[string]member{
		"symmetric":               {"kty": "oct", "k": "c2VjcmV0"},
		"no type":                 {"kid": "k"},
		"for encryption":          with(p256, "use", "enc"),
		"for signing":             with(p256, "key_ops", []string{"sign"}),
		"for nothing":             with(p256, "key_ops", []string{}),
		"HS256 with an RSA key":   with(rsa, "alg", "HS256"),
		"none with an RSA key":    with(rsa, "alg", "none"),
		"ES256 with an RSA key":   with(rsa, "alg", "ES256"),
		"ES384 on P-256":          with(p256, "alg", "ES384"),
		"short RSA":               with(rsa, "n", b64(bytes.Repeat([]byte{0xFF}, 128))),
		"endless RSA":             with(rsa, "n", b64(bytes.Repeat([]byte{0xFF}, 2000))),
		"even RSA":                with(rsa, "n", b64(bytes.Repeat([]byte{0xFE}, 256))),
		"RSA of exponent 1":       with(rsa, "e", "AQ"),
		"RSA of an even exponent": with(rsa, "e", "BA"),
		"RSA of a huge exponent":  with(rsa, "e", b64([]byte{1, 0, 0, 0, 1})),
		"RSA without one":         with(rsa, "e", ""),
		"padded RSA":              with(rsa, "e", "AQAB=="),
		"a point off the curve":   with(p256, "y", p256["x"]),
		"a short coordinate":      with(p256, "x", "AQAB"),
		"another curve's point":   with(p256, "crv", "P-384"),
		"P-521":                   written("k", p521Key().Public()),
		"X25519":                  with(ed, "crv", "X25519"),
		"half of Ed25519":         with(ed, "x", b64([]byte("half"))),
	} {
		if keys, err := parseSet(set(bad)); err == nil {
			t.Errorf("%s: %v", name, keys)
		}
		if keys, err := parseSet(set(bad, ed)); err != nil || len(keys) != 1 || keys[0].algorithms[0] != "EdDSA" {
			t.Errorf("beside %s: %v, %v", name, keys, err)
		}
	}
}

// FuzzSet: no bytes make a key that verifies what its type is not for.
func FuzzSet(f *testing.F) {
	for _, public := range []crypto.PublicKey{rsaKey().Public(), p256Key().Public(), edwardKey().Public()} {
		f.Add(set(written("k", public)))
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseSet(data)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			for _, algorithm := range k.algorithms {
				if !slices.Contains(Algorithms, algorithm) || k.public == nil {
					t.Errorf("%T verifies %q", k.public, algorithm)
				}
			}
		}
	})
}

func TestCheckURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://id.example.com/jwks": true, "http://127.0.0.1:80/jwks": true, "http://localhost/jwks": true, "http://app:3000/jwks": true,
		"http://10.1.2.3/jwks": true, "http://[::1]/jwks": true,
		"http://id.example.com/jwks": false, "http://192.0.2.1/jwks": false, "http://3221225985/jwks": false, "http://0xc0000201/jwks": false, "http://[::ffff:192.0.2.1]/jwks": false, "ftp://localhost/jwks": false, "file:///etc/passwd": false,
		"": false, "jwks": false, "https://": false, "https:id.example.com": false, "https://a:b@id.example.com/": false, "http://[::": false,
	} {
		if err := CheckURL(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestFind: a token gets the key that it names, or the only one that fits.
func TestFind(t *testing.T) {
	s := &Source{}
	var err error
	if s.keys, err = parseSet(set(written("r", rsaKey().Public()), written("a", p256Key().Public()), written("b", p256Key().Public()), written("e", edwardKey().Public()))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id, algorithm string
		want          error
	}{
		{"a", "ES256", nil}, {"r", "PS512", nil}, {"", "EdDSA", nil}, {"", "RS256", nil},
		{"a", "RS256", ErrMisfit}, {"r", "ES256", ErrMisfit}, {"e", "none", ErrMisfit}, {"r", "HS256", ErrMisfit},
		{"c", "ES256", ErrUnknownKey}, {"", "ES256", ErrUnknownKey}, {"", "ES384", ErrUnknownKey}, {"", "", ErrUnknownKey},
	} {
		if public, err := s.find(c.id, c.algorithm); !errors.Is(err, c.want) || (public == nil) != (c.want != nil) {
			t.Errorf("%q for %q: %T, %v", c.id, c.algorithm, public, err)
		}
	}
}
