package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	storeDir  = "store"
	configDir = "config"

	fileSize = 8 << 20  // of pieces, about: a file ends with the piece that goes past it
	maxFile  = 64 << 20 // of any file but the manifest; a piece has 25 MB at most
)

func piecesName(n int) string { return fmt.Sprintf("%s/%08d.pieces", storeDir, n) }

// appendPiece adds a piece, after its length.
func appendPiece(dst, piece []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(piece))), piece...)
}

var errCut = errors.New("a piece is cut off")

// splitPieces yields the pieces of a file.
func splitPieces(b []byte, take func([]byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			return errCut
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		if err := take(b[4:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
