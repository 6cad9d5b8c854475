package socket

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// deflateFrom is the shortest payload that is worth the time.
const deflateFrom = 384

// DeflatedTextFrame is TextFrame for connections that have negotiated
// permessage-deflate (Conn.Compressed). The message is compressed by itself, so
// the frame may be shared by all of them; a short one, and one that would not
// get smaller, is as TextFrame makes it.
func DeflatedTextFrame(payload []byte) []byte { return newDeflatedFrame(opText, payload) }

// DeflatedBinaryFrame is DeflatedTextFrame for a binary message.
func DeflatedBinaryFrame(payload []byte) []byte { return newDeflatedFrame(opBinary, payload) }

func newDeflatedFrame(opcode byte, payload []byte) []byte {
	if len(payload) < deflateFrom {
		return newFrame(opcode, payload)
	}
	b := deflateBuffers.Get().(*bytes.Buffer)
	defer putDeflateBuffer(b)
	b.Reset()
	if err := flate.StatelessDeflate(b, payload, false, nil); err != nil {
		return newFrame(opcode, payload)
	}
	small := bytes.TrimSuffix(b.Bytes(), deflateTail)
	if len(small) >= len(payload) {
		return newFrame(opcode, payload)
	}
	return newFrame(opcode|deflated, small)
}

// deflateTail ends what is flushed, and is left out: RFC 7692, section 7.2.1.
var deflateTail = []byte{0x00, 0x00, 0xff, 0xff}

var deflateBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxDeflateBuffer keeps a huge page of history from staying in the pool.
const maxDeflateBuffer = 64 << 10

func putDeflateBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxDeflateBuffer {
		deflateBuffers.Put(b)
	}
}

// maxInflaters bounds what gws holds for reading compressed messages: about
// 400 KiB each, for each subprotocol. They are shared by all connections.
const maxInflaters = 8

// gwsDeflate has gws negotiate, without context takeover, and inflate. It makes
// a compressor with each inflater, which we do not use: this level's is the smallest.
func gwsDeflate() gws.PermessageDeflate {
	return gws.PermessageDeflate{
		Enabled:  true,
		Level:    flate.HuffmanOnly,
		PoolSize: min(runtime.GOMAXPROCS(0), maxInflaters),
	}
}

// inflateCode is the close code for a message that did not inflate, which gws
// blames on the server. A message past the limit it reports by that code.
func inflateCode(err error) engine.CloseCode {
	if code, ok := err.(interface{ Uint16() uint16 }); ok {
		return engine.CloseCode(code.Uint16())
	}
	return closeInvalidPayload
}
