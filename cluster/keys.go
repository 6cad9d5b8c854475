package cluster

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// keys are what the cluster key is used for. Each is derived by HKDF-SHA256
// (RFC 5869), so that none tells anything about another or about the cluster key.
type keys struct {
	gossip []byte // of memberlist's packets: AES-256-GCM
	proof  []byte // of the proofs in handshake.go: HMAC-SHA256
}

// noKey stands in for the cluster key on loopback, so that there is one way
// through the code. It is public and protects nothing.
const noKey = "klatch cluster without a key, on loopback only"

func deriveKeys(k Key) (keys, error) {
	secret := k.secret
	if k.IsZero() {
		secret = noKey
	}
	gossip, err := hkdf.Key(sha256.New, []byte(secret), nil, "klatch gossip v1", 32)
	if err != nil {
		return keys{}, fmt.Errorf("derive the gossip key: %w", err)
	}
	proof, err := hkdf.Key(sha256.New, []byte(secret), nil, "klatch link v1", 32)
	if err != nil {
		return keys{}, fmt.Errorf("derive the link key: %w", err)
	}
	return keys{gossip: gossip, proof: proof}, nil
}

// Format keeps them out of every log, whatever they are printed with.
func (keys) Format(s fmt.State, _ rune) { fmt.Fprint(s, "(secrets)") }
