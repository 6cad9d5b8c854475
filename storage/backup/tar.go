package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Tar is a Target: a tar stream.
type Tar struct{ w *tar.Writer }

// NewTar begins a stream.
func NewTar(w io.Writer) *Tar { return &Tar{tar.NewWriter(w)} }

// File implements Target.
func (t *Tar) File(name string, content []byte) error {
	if err := t.w.WriteHeader(header(name, int64(len(content)))); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := t.w.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if name != manifestName {
		return nil
	}
	if err := t.w.Close(); err != nil {
		return fmt.Errorf("end the stream: %w", err)
	}
	return nil
}

// Discard implements Target. A stream without its manifest is no backup.
func (t *Tar) Discard() {}

// header depends on nothing but what it describes.
func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, Format: tar.FormatUSTAR}
}

const blockSize = 512

// stream is an archive: what Tar has written, to the byte.
type stream struct {
	r     io.Reader
	at    int64  // bytes that have been read
	last  string // the file before
	ended bool
	buf   []byte
}

// OpenTar reads a backup from a tar stream.
func OpenTar(r io.Reader) Archive { return &stream{r: r} }

func (s *stream) next() (name string, content []byte, err error) {
	if s.ended {
		return "", nil, io.EOF
	}
	block := make([]byte, blockSize)
	begin := s.at
	if err := s.read(block); err != nil {
		return "", nil, s.cut(err, "after "+s.where())
	}
	if isZero(block) {
		return "", nil, s.trailer()
	}
	if name, content, err = s.file(block, begin); err != nil {
		return "", nil, err
	}
	s.last = name
	return name, content, nil
}

// where is the last place that a reader of an error message can find.
func (s *stream) where() string {
	if s.last == "" {
		return "its beginning"
	}
	return s.last
}

// file reads the one that a header announces.
func (s *stream) file(block []byte, begin int64) (name string, content []byte, err error) {
	h, err := tar.NewReader(bytes.NewReader(block)).Next()
	if err != nil || !bytes.Equal(block, encodeHeader(h.Name, h.Size)) {
		return "", nil, s.broken("the header at byte %d, after %s, is not one that klatch writes", begin, s.where())
	}
	if h.Size > limitOf(h.Name) {
		return "", nil, s.broken("%s has %d bytes: more than any file of a backup", h.Name, h.Size)
	}
	padded := (h.Size + blockSize - 1) / blockSize * blockSize
	if int64(cap(s.buf)) < padded {
		s.buf = make([]byte, padded)
	}
	content = s.buf[:padded]
	if err := s.read(content); err != nil {
		return "", nil, s.cut(err, "in "+h.Name)
	}
	if !isZero(content[h.Size:]) {
		return "", nil, s.broken("what fills up the block after %s has changed", h.Name)
	}
	return h.Name, content[:h.Size], nil
}

// encodeHeader returns the block that Tar writes, nil if there is none.
func encodeHeader(name string, size int64) []byte {
	var b bytes.Buffer
	if tar.NewWriter(&b).WriteHeader(header(name, size)) != nil {
		return nil
	}
	return b.Bytes()
}

// trailer reads what follows the first zero block: another one, and nothing.
func (s *stream) trailer() error {
	block := make([]byte, blockSize)
	if err := s.read(block); err != nil {
		return s.cut(err, "in the block that ends it")
	}
	if !isZero(block) {
		return s.broken("the block that ends it, at byte %d, has changed", s.at-blockSize)
	}
	if n, err := io.ReadFull(s.r, block[:1]); n > 0 {
		return s.broken("there is more after its end, at byte %d", s.at)
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the backup: %w", err)
	}
	s.ended = true
	return io.EOF
}

func (s *stream) read(b []byte) error {
	n, err := io.ReadFull(s.r, b)
	s.at += int64(n)
	return err
}

// cut tells a stream that ends from one that cannot be read.
func (s *stream) cut(err error, where string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.broken("it ends at byte %d, %s", s.at, where)
	}
	return fmt.Errorf("read the backup: %w", err)
}

// broken ends the stream: what comes behind cannot be told apart.
func (s *stream) broken(format string, args ...any) error {
	s.ended = true
	return damaged("the tar stream", format, args...)
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
