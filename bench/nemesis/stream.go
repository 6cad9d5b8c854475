package nemesis

import (
	"context"
	"net"
	"sync"
	"time"
)

// Bounds of what one direction of a stream holds: streamChunks of streamChunk bytes.
// Past them the sender is not read any more, and TCP slows it down.
const (
	streamChunk  = 16 << 10
	streamChunks = 32
)

// chunk is some bytes of a stream; without any it is the stream's end.
type chunk struct {
	due  time.Time
	data []byte
}

// carryStream copies one direction of a connection as its way's rule has it.
// When it ends, so does the direction; when the copy breaks, so do both.
func carryStream(ctx context.Context, from, to net.Conn, w *way) {
	ctx, cancel := context.WithCancel(ctx)
	chunks := make(chan chunk, streamChunks)
	var reader sync.WaitGroup
	reader.Go(func() { readChunks(ctx, from, w, chunks) })
	if !writeChunks(ctx, to, w, chunks) {
		_, _ = from.Close(), to.Close()
	}
	cancel()
	reader.Wait()
}

func readChunks(ctx context.Context, from net.Conn, w *way, chunks chan<- chunk) {
	for {
		b := make([]byte, streamChunk)
		n, err := from.Read(b)
		r, _ := w.get()
		due := time.Now().Add(r.late())
		if !r.Drop && r.lost() {
			due = due.Add(retransmission)
		}
		if n > 0 && !put(ctx, chunks, chunk{due, b[:n]}) {
			return
		}
		if err != nil {
			put(ctx, chunks, chunk{due: due})
			return
		}
	}
}

func put(ctx context.Context, chunks chan<- chunk, c chunk) bool {
	select {
	case chunks <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// writeChunks returns whether the stream came to its end.
func writeChunks(ctx context.Context, to net.Conn, w *way, chunks <-chan chunk) bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var c chunk
		select {
		case c = <-chunks:
		case <-ctx.Done():
			return false
		}
		timer.Reset(time.Until(c.due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
		if !w.pass(ctx.Done()) {
			return false
		}
		if c.data == nil {
			return to.(*net.TCPConn).CloseWrite() == nil
		}
		if _, err := to.Write(c.data); err != nil {
			return false
		}
	}
}
