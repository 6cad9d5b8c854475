package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
)

// Algorithms are all that any key here can verify (RFC 7518, 3.1; RFC 8037, 3.1).
var Algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"}

// maxKeys bounds a set: issuers have a handful.
const maxKeys = 100

// RSA keys below are too weak (RFC 7518, 3.3), above too slow to verify with.
const (
	minRSA = 2048 // bits
	maxRSA = 8192
)

// key is a public key and what it may verify.
type key struct {
	id         string
	algorithms []string
	public     crypto.PublicKey
}

func (k *key) verifies(algorithm string) bool { return slices.Contains(k.algorithms, algorithm) }

// jwk is a key as it is written (RFC 7517, 4).
type jwk struct {
	Type       string   `json:"kty"`
	ID         string   `json:"kid"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	Curve      string   `json:"crv"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
}

var (
	errKey      = errors.New("not a key of use here")
	errTooMany  = fmt.Errorf("more than %d keys", maxKeys)
	errEmptySet = errors.New("no key that verifies signatures")
)

// parseSet reads a JWK Set. Keys of no use are passed over, as RFC 7517, 5 asks
// for; a set of nothing else is an error.
func parseSet(data []byte) (keys []key, err error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("read the JWK Set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, errTooMany
	}
	for i := range set.Keys {
		if k, err := set.Keys[i].key(); err == nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errEmptySet
	}
	return keys, nil
}

func (j *jwk) key() (k key, err error) {
	if j.Use != "" && j.Use != "sig" || j.Operations != nil && !slices.Contains(j.Operations, "verify") {
		return key{}, errKey
	}
	k.id = j.ID
	switch j.Type {
	case "RSA":
		k.algorithms = Algorithms[:6]
		k.public, err = j.rsa()
	case "EC":
		k.algorithms, k.public, err = j.ec()
	case "OKP":
		k.algorithms = []string{"EdDSA"}
		k.public, err = j.ed25519()
	default:
		err = errKey
	}
	if err == nil && j.Algorithm != "" {
		if !k.verifies(j.Algorithm) {
			return key{}, errKey
		}
		k.algorithms = []string{j.Algorithm}
	}
	return k, err
}

func (j *jwk) rsa() (*rsa.PublicKey, error) {
	n, e := number(j.N), number(j.E)
	if n == nil || n.BitLen() < minRSA || n.BitLen() > maxRSA || e == nil || e.BitLen() > 31 {
		return nil, errKey
	}
	public := &rsa.PublicKey{N: n, E: int(e.Int64())}
	if n.Bit(0) == 0 || public.E < 3 || public.E%2 == 0 {
		return nil, errKey
	}
	return public, nil
}

func (j *jwk) ec() (algorithms []string, public *ecdsa.PublicKey, err error) {
	var curve elliptic.Curve
	switch j.Curve {
	case "P-256":
		curve, algorithms = elliptic.P256(), []string{"ES256"}
	case "P-384":
		curve, algorithms = elliptic.P384(), []string{"ES384"}
	default:
		return nil, nil, errKey
	}
	size := curve.Params().BitSize / 8
	x, y := decoded(j.X), decoded(j.Y)
	if len(x) != size || len(y) != size {
		return nil, nil, errKey
	}
	const uncompressed = 4 // SEC 1, 2.3.3
	public, err = ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{uncompressed}, x...), y...))
	return algorithms, public, err
}

func (j *jwk) ed25519() (ed25519.PublicKey, error) {
	x := decoded(j.X)
	if j.Curve != "Ed25519" || len(x) != ed25519.PublicKeySize {
		return nil, errKey
	}
	return x, nil
}

// decoded reads base64url without padding (RFC 7515, 2); nil for anything else.
func decoded(text string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

// number reads a Base64urlUInt (RFC 7518, 2); nil for anything else.
func number(text string) *big.Int {
	b := decoded(text)
	if len(b) == 0 || len(b) > maxRSA/8+1 {
		return nil
	}
	return new(big.Int).SetBytes(b)
}
