package engine

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Tokens are PASETO v4.public (https://github.com/paseto-standard/paseto-spec):
// JSON claims signed with Ed25519, no choice of algorithm to get wrong. The
// footer names the origin whose key signed it; every node knows every origin's
// key from its NodeKey event, so any node verifies any token.
const tokenHeader = "v4.public."

const maxTokenLen = 2048 // characters

// tokenUse keeps one kind of token from passing for another.
type tokenUse string

const (
	useSession  tokenUse = "session"
	useInvite   tokenUse = "invite"
	useRecovery tokenUse = "recovery"
)

type claims struct {
	ID      ID        `json:"jti"` // stamped when issued, so it sorts against events
	Use     tokenUse  `json:"use"`
	User    ID        `json:"sub,omitzero"`
	Admin   bool      `json:"admin,omitempty"` // an invite that makes an administrator
	Setup   bool      `json:"setup,omitempty"` // of the first one only
	Expires time.Time `json:"exp"`
	At      uint64    `json:"at,omitzero"` // the issuer's own seq then: nodes that are behind know how far to wait

	issuer Origin
}

var errToken = errors.New("malformed token")

// preAuth is PASETO's pre-authentication encoding of the signed pieces.
func preAuth(pieces ...string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(pieces)))
	for _, p := range pieces {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

func signPaseto(key ed25519.PrivateKey, message, footer string) string {
	sig := ed25519.Sign(key, preAuth(tokenHeader, message, footer, ""))
	enc := base64.RawURLEncoding
	s := tokenHeader + enc.EncodeToString(append([]byte(message), sig...))
	if footer != "" {
		s += "." + enc.EncodeToString([]byte(footer))
	}
	return s
}

// splitPaseto takes a token apart; nothing of it is trusted yet.
func splitPaseto(token string) (message, footer string, sig []byte, err error) {
	rest, ok := strings.CutPrefix(token, tokenHeader)
	if !ok || len(token) > maxTokenLen {
		return "", "", nil, errToken
	}
	body, foot, _ := strings.Cut(rest, ".")
	enc := base64.RawURLEncoding.Strict()
	b, err1 := enc.DecodeString(body)
	f, err2 := enc.DecodeString(foot)
	n := len(b) - ed25519.SignatureSize
	if err1 != nil || err2 != nil || n < 0 {
		return "", "", nil, errToken
	}
	return string(b[:n]), string(f), b[n:], nil
}

func verifyPaseto(key ed25519.PublicKey, message, footer string, sig []byte) bool {
	return ed25519.Verify(key, preAuth(tokenHeader, message, footer, ""), sig)
}

// signToken issues a token of this node.
func (e *Engine) signToken(c claims) string {
	m, err := json.Marshal(c)
	if err != nil {
		panic(err) // a struct of plain fields
	}
	return signPaseto(e.key, string(m), e.store.Origin().String())
}

// openToken verifies a token of any node and its use and expiry; not its
// revocation. With ErrNotFound, for a key that is not here, the issuer is set.
func (e *Engine) openToken(token string, use tokenUse) (c claims, err error) {
	if len(token) > maxTokenLen {
		return c, errToken
	}
	sum := sha256.Sum256([]byte(token))
	v, ok := e.verdicts.get(sum)
	if !ok || !e.store.Fresh(v.key) {
		if v, err = e.verify(token); err != nil {
			return v.claims, err
		}
		e.verdicts.put(sum, v)
	}
	if v.claims.Use != use || !e.now().Before(v.claims.Expires) {
		return claims{}, errToken
	}
	return v.claims, nil
}

// verify finds out by whom a token was signed, and that it was.
func (e *Engine) verify(token string) (v verdict, err error) {
	message, footer, sig, err := splitPaseto(token)
	if err != nil {
		return v, err
	}
	origin, err := ParseOrigin(footer)
	if err != nil {
		return v, errToken
	}
	v.claims.issuer = origin
	v.key = e.store.Mark(AboutKeyOf(origin))
	pub, err := e.store.NodeKey(origin)
	if err != nil {
		return v, err
	}
	if len(pub) != ed25519.PublicKeySize || !verifyPaseto(pub, message, footer, sig) {
		return v, errToken
	}
	if err := json.Unmarshal([]byte(message), &v.claims); err != nil {
		return verdict{}, errToken
	}
	return v, nil
}
