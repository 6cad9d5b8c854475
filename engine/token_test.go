package engine

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"
)

// Vector 4-S-1 of the PASETO test vectors.
func TestPasetoVector(t *testing.T) {
	seed, _ := hex.DecodeString("b4cbfb43df4ce210727d953e4a713307fa19bb7d9f85041438d9e11b942a3774")
	key := ed25519.NewKeyFromSeed(seed)
	const message = `{"data":"this is a signed message","exp":"2022-01-01T00:00:00+00:00"}`
	const want = "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoiMjAyMi0wMS0wMVQwMDowMDowMCswMDowMCJ9" +
		"bg_XBBzds8lTZShVlwwKSgeKpLT3yukTw6JUz3W4h_ExsQV-P0V54zemZDcAxFaSeef1QlXEFtkqxT1ciiQEDA"
	if got := signPaseto(key, message, ""); got != want {
		t.Errorf("token is %s", got)
	}
	m, footer, sig, err := splitPaseto(want)
	if err != nil || m != message || footer != "" || !verifyPaseto(key.Public().(ed25519.PublicKey), m, footer, sig) {
		t.Errorf("the vector does not verify: %q %q %v", m, footer, err)
	}
}

// I9: no bit of a token may change.
func TestPasetoTampering(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	pub := key.Public().(ed25519.PublicKey)
	token := []byte(signPaseto(key, `{"a":1}`, "kid"))
	for i := len(tokenHeader); i < len(token); i++ {
		for _, c := range []byte("AB.z") {
			if token[i] == c {
				continue
			}
			old := token[i]
			token[i] = c
			if m, f, sig, err := splitPaseto(string(token)); err == nil && verifyPaseto(pub, m, f, sig) {
				t.Errorf("verifies with %q at %d", c, i)
			}
			token[i] = old
		}
	}
}

func FuzzSplitPaseto(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	f.Add(signPaseto(key, "{}", "x"))
	f.Add(tokenHeader)
	f.Fuzz(func(t *testing.T, token string) {
		m, foot, sig, err := splitPaseto(token)
		if err == nil && verifyPaseto(key.Public().(ed25519.PublicKey), m, foot, sig) && signPaseto(key, m, foot) != token && foot != "" {
			t.Errorf("%q verifies but is not how it would be signed", token)
		}
	})
}

func TestPasswords(t *testing.T) {
	p, err := newPasswords(PasswordCost{MemoryKiB: 64, Passes: 1, Lanes: 1}, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	phc, err := p.hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		password, phc string
		want          bool
	}{
		{"correct horse", phc, true},
		{"correct horsf", phc, false},
		{"", phc, false},
		{"", "", false}, // no password set: nothing matches, not even the dummy's
		{"x", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
		{"x", "$argon2id$v=19$m=64,t=0,p=0$AAAA$AAAA", false},
	} {
		if got := p.check(c.password, c.phc); got != c.want {
			t.Errorf("check(%q, %q) = %v", c.password, c.phc, got)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		c, salt, key, err := parsePHC(s)
		if err == nil && (c.MemoryKiB > maxPasswordCost || c.Passes == 0 || c.Lanes == 0 || len(salt) < 8 || len(key) < 16) {
			t.Errorf("%q was taken: %+v", s, c)
		}
	})
}
