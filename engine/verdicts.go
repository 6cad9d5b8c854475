package engine

import (
	"crypto/sha256"
	"sync"
)

// verdicts remembers the claims of tokens whose signature has been verified, for
// that costs more than the rest of most requests. Only the signature is
// remembered: use, expiry and revocation are looked at each time, and a
// verdict ends with the key that it was reached by. It holds hashes, no
// tokens, in two generations of verdictTable; the older is forgotten when the newer is full.
type verdicts struct {
	mu        sync.RWMutex
	cur, prev map[[sha256.Size]byte]verdict
}

// verdictTable bounds one generation, at some 200 bytes each.
const verdictTable = 1 << 14

type verdict struct {
	claims claims
	key    Mark // of the issuer's key
}

func newVerdicts() *verdicts { return &verdicts{cur: map[[sha256.Size]byte]verdict{}} }

func (v *verdicts) get(sum [sha256.Size]byte) (verdict, bool) {
	v.mu.RLock()
	found, ok := v.cur[sum]
	old := false
	if !ok {
		found, old = v.prev[sum]
	}
	v.mu.RUnlock()
	if old {
		v.put(sum, found)
	}
	return found, ok || old
}

func (v *verdicts) put(sum [sha256.Size]byte, new verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.cur) >= verdictTable {
		v.cur, v.prev = map[[sha256.Size]byte]verdict{}, v.cur
	}
	v.cur[sum] = new
}
