package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// Manifest says what a backup is. On disk it is JSON, indented by two spaces,
// whose last field is "sha256": the SHA-256, in hexadecimal, of all bytes before
// that field's line. So `head -n -2 manifest.json | sha256sum` prints it too.
type Manifest struct {
	Format   int             `json:"klatch_backup"` // the version of all this: 1
	Klatch   string          `json:"klatch"`        // the version that made it
	Node     string          `json:"node"`          // whose store it is: the origin, 16 hexadecimal digits
	Position engine.Position `json:"position"`      // what the node had applied
	Events   uint64          `json:"events"`        // how many those are
	At       time.Time       `json:"at"`            // when it began, UTC
	Files    []File          `json:"files"`         // in order of name
}

// File is one file of a backup.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal
}

const (
	manifestName   = "manifest.json"
	manifestFormat = 1
	maxManifest    = 256 << 20
)

// The end of a manifest, around the checksum.
const (
	sumBefore = ",\n  \"sha256\": \""
	sumAfter  = "\"\n}\n"
)

// Bytes is the size of all files together.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// encode returns the manifest as it is on disk, and its checksum.
func (m *Manifest) encode() (b []byte, sum string, err error) {
	if b, err = json.MarshalIndent(m, "", "  "); err != nil {
		return nil, "", fmt.Errorf("encode the manifest: %w", err)
	}
	b = append(bytes.TrimSuffix(b, []byte("\n}")), ",\n"...)
	sum = sumOf(b)
	return append(b, "  \"sha256\": \""+sum+sumAfter...), sum, nil
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

var errManifest = errors.New("its checksum does not fit: it has been cut or changed")

// parseManifest reads a manifest. Not one byte of it may have changed.
func parseManifest(b []byte) (m Manifest, sum string, err error) {
	at := bytes.LastIndex(b, []byte(sumBefore))
	if at < 0 {
		return m, "", errManifest
	}
	body, rest := b[:at+2], string(b[at+len(sumBefore):])
	sum, ok := strings.CutSuffix(rest, sumAfter)
	if !ok || sum != sumOf(body) {
		return m, "", errManifest
	}
	// What follows was meant to be so.
	if err := json.Unmarshal(b, &m); err != nil {
		return m, "", fmt.Errorf("read it: %w", err)
	}
	if m.Format != manifestFormat {
		return m, "", fmt.Errorf("%w: klatch %s made it, as a backup of format %d; this is a program for format %d", ErrOther, m.Klatch, m.Format, manifestFormat)
	}
	return m, sum, nil
}
