package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// sidBytes is the random part of a sid: 120 bits, which nobody guesses.
const sidBytes = 15

func newSID(node string) string {
	random := make([]byte, sidBytes)
	_, _ = rand.Read(random) // it never fails
	sid := base64.RawURLEncoding.EncodeToString(random)
	if node == "" {
		return sid
	}
	return node + "." + sid
}

// nodeOf is the node that a sid names, or "".
func nodeOf(sid string) string {
	return sid[:max(strings.LastIndexByte(sid, '.'), 0)]
}
