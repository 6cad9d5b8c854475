package storage

// arena holds copies of byte slices in chunks that are used again after a reset.
type arena struct {
	chunks [][]byte
	at     int // the chunk that is being filled
	size   int // of all copies
}

const arenaChunk = 256 << 10

// reset gives up all copies.
func (a *arena) reset() {
	for i := range a.chunks {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.at, a.size = 0, 0
}

// copy returns a copy of b.
func (a *arena) copy(b []byte) []byte {
	a.size += len(b)
	if len(b) > arenaChunk {
		return append([]byte(nil), b...)
	}
	for a.at < len(a.chunks) && cap(a.chunks[a.at])-len(a.chunks[a.at]) < len(b) {
		a.at++
	}
	if a.at == len(a.chunks) {
		a.chunks = append(a.chunks, make([]byte, 0, arenaChunk))
	}
	c := &a.chunks[a.at]
	from := len(*c)
	*c = append(*c, b...)
	return (*c)[from:len(*c):len(*c)]
}
