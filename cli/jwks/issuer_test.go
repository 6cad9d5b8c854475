package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Keys are made once: RSA's take long.
var (
	rsaKey    = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256Key   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384Key   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521Key   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	edwardKey = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type member = map[string]any

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// written is a public key as an issuer publishes it.
func written(id string, public crypto.PublicKey) member {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return member{"kty": "RSA", "kid": id, "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	case *ecdsa.PublicKey:
		point := must(k.Bytes())
		size := len(point) / 2
		return member{"kty": "EC", "kid": id, "crv": k.Curve.Params().Name, "x": b64(point[1 : 1+size]), "y": b64(point[1+size:])}
	case ed25519.PublicKey:
		return member{"kty": "OKP", "kid": id, "crv": "Ed25519", "x": b64(k)}
	}
	panic("no such key")
}

func with(m member, name string, value any) member {
	changed := member{name: value}
	for n, v := range m {
		if n != name {
			changed[n] = v
		}
	}
	return changed
}

func set(keys ...member) []byte { return must(json.Marshal(map[string]any{"keys": keys})) }

// issuer is a web server that publishes keys, and can be made to do it badly.
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked++
	answer := i.answer
	i.mu.Unlock()
	answer(w, r)
}

func (i *issuer) publish(keys ...member) { i.behave(answers(http.StatusOK, string(set(keys...)))) }

func (i *issuer) behave(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// badAnswers are those that must change nothing.
func badAnswers() map[string]http.HandlerFunc {
	bad := map[string]http.HandlerFunc{
		"an error":         answers(http.StatusInternalServerError, string(set(written("new", p256Key().Public())))),
		"no JSON":          answers(http.StatusOK, "<html>"),
		"half of it":       answers(http.StatusOK, `{"keys":[`),
		"no set":           answers(http.StatusOK, `[]`),
		"no keys":          answers(http.StatusOK, `{"keys":[]}`),
		"keys of no use":   answers(http.StatusOK, `{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"old"}]}`),
		"another type":     answers(http.StatusOK, `{"keys":"none"}`),
		"two sets in one":  answers(http.StatusOK, `{"keys":[],"keys":[]}`),
		"too many keys":    answers(http.StatusOK, `{"keys":[`+strings.Repeat(`{},`, maxKeys)+`{}]}`),
		"too many bytes":   answers(http.StatusOK, string(set(written("new", p256Key().Public())))+strings.Repeat(" ", maxSet)),
		"a cut connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"less than it says": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "{")
		},
		"a loop": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"elsewhere, in clear": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://keys.example.com/", http.StatusFound)
		},
		"a header without end": func(w http.ResponseWriter, _ *http.Request) {
			for n := range 1000 {
				w.Header().Set(fmt.Sprintf("X-%d", n), strings.Repeat("x", 1000))
			}
		},
	}
	return bad
}
