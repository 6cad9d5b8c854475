package engine

import (
	"crypto/sha256"
	"sync"
)

// verdicts remembers what tokens say whose signature has been verified, for that
// costs more than the rest of most requests. Only the signature is remembered:
// use, expiry and revocation are looked at each time. It holds hashes, no
// tokens, in two generations of verdictTable; the older is forgotten when the newer is full.
type verdicts[V any] struct {
	mu        sync.RWMutex
	cur, prev map[tokenSum]V
}

// tokenSum stands for a token.
type tokenSum = [sha256.Size]byte

// verdictTable bounds one generation, at some 200 bytes each.
const verdictTable = 1 << 14

// verdict is about a token of a node. It ends with the key that it was reached by.
type verdict struct {
	claims claims
	key    Mark // of the issuer's key
}

func newVerdicts[V any]() *verdicts[V] { return &verdicts[V]{cur: map[tokenSum]V{}} }

func (v *verdicts[V]) get(sum tokenSum) (V, bool) {
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

func (v *verdicts[V]) put(sum tokenSum, new V) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.cur) >= verdictTable {
		v.cur, v.prev = map[tokenSum]V{}, v.cur
	}
	v.cur[sum] = new
}
