package api

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// pack codes a body, fast rather than small: it is made for few readers.
func pack(coding string, b []byte) []byte {
	if coding == "zstd" {
		return zstdEncoder().EncodeAll(b, make([]byte, 0, len(b)/3))
	}
	out := bytes.NewBuffer(make([]byte, 0, len(b)/3))
	w := gzips.Get().(*gzip.Writer)
	defer gzips.Put(w)
	w.Reset(out)
	_, _ = w.Write(b) // a Buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// gzips are writers for reuse: each holds some hundred KiB.
var gzips = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a good one
	}
	return w
}}

// zstdEncoder is for any number of callers of EncodeAll. Its window is as small
// as our bodies, and so is its memory.
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(256<<10), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are good ones
	}
	return e
})
