package socket

import "sync"

// frameOverhead is what a queued frame costs beside its bytes: its place in
// the queue, so that a million empty frames are not free.
const frameOverhead = 32

// controlSlack is what the control frames of an otherwise empty outbox cost at most.
const controlSlack = 2 * (2 + maxControlPayload + frameOverhead)

// verdict is what became of a frame, and what its sender must see to.
type verdict uint8

const (
	queued   verdict = iota // somebody is writing already
	wake                    // queued, and the writer's role is now the caller's to hand on
	overflow                // dropped: past the bound
	refused                 // dropped: the outbox is closing
)

// outbox is the bounded queue of one connection. The write contract:
//
//  1. push never blocks, and no lock is held while bytes are written.
//  2. Frames leave whole and in the order in which they were pushed.
//  3. There is at most one writer at a time; its role is handed on, never shared.
//  4. Nobody holds the role while nothing waits.
//
// The writer calls next, writes some of the bytes, then calls wrote, and goes
// on while wrote returns true.
type outbox struct {
	bound int // static

	mu       sync.Mutex
	frames   queue
	bytes    int    // cost of all frames in the queue
	offset   int    // of the first frame, already written
	inFlight int    // bytes from offset on that the writer has in hand
	busy     bool   // somebody has the writer's role
	closing  bool   // the close frame is the last in the queue, or was
	dead     bool   // nothing will be written any more
	ping     bool   // to be sent at the next write
	pong     []byte // the same; only the newest, as RFC 6455, section 5.5.3, allows
	drained  chan struct{}
	finished chan struct{}

	written   func() // of the frame that is timed; nil: none is
	unwritten int    // frames up to that one
}

func cost(frame []byte) int { return len(frame) + frameOverhead }

// push queues a frame. An outbox with at most control frames in it takes a
// frame of any size.
func (b *outbox) push(frame []byte) verdict {
	b.mu.Lock()
	v := b.pushLocked(frame)
	b.mu.Unlock() // not deferred: this is the hottest path of all
	return v
}

// pushTimed is push; written is called when the frame has been, unless one is timed already.
func (b *outbox) pushTimed(frame []byte, written func()) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.pushLocked(frame)
	if (v == queued || v == wake) && b.written == nil {
		b.written, b.unwritten = written, b.frames.frames
	}
	return v
}

func (b *outbox) pushLocked(frame []byte) verdict {
	switch {
	case b.closing || b.dead:
		return refused
	case b.bytes > controlSlack && b.bytes+cost(frame) > b.bound:
		return overflow
	}
	b.appendLocked(frame)
	return b.wakeLocked()
}

// pushPing and pushPong leave what is to be sent in a place of its own, so
// that a peer that does not read cannot pile them up.
func (b *outbox) pushPing() verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing || b.dead {
		return refused
	}
	b.ping = true
	return b.wakeLocked()
}

func (b *outbox) pushPong(payload []byte) verdict {
	frame := newFrame(opPong, payload)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing || b.dead {
		return refused
	}
	b.pong = frame
	return b.wakeLocked()
}

// close makes frame the last one; drop throws away what is not being written yet.
func (b *outbox) close(frame []byte, drop bool) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing || b.dead {
		return refused
	}
	b.closing = true
	b.ping, b.pong = false, nil
	if drop {
		b.dropLocked()
	}
	b.appendLocked(frame)
	b.notifyDrainedLocked()
	return b.wakeLocked()
}

// kill empties the outbox for good. It reports whether anything was unsent.
func (b *outbox) kill() (unsent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	unsent = b.frames.frames > 0
	b.dead = true
	for b.frames.frames > 0 {
		b.frames.pop()
	}
	b.bytes, b.offset, b.inFlight = 0, 0, 0
	b.ping, b.pong, b.written = false, nil, nil
	b.notifyDrainedLocked()
	b.notifyFinishedLocked()
	return unsent
}

// next returns what is to be written now: frames copied together into buf, or
// the rest of one frame where that is all or is large. The bytes are read-only.
// Nothing means that the outbox is dead, and ends the writer's role.
func (b *outbox) next(buf []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return nil
	}
	b.takeControlsLocked()
	data := b.frames.front()[b.offset:]
	if b.frames.frames > 1 && len(data) < len(buf) {
		data = b.gatherLocked(buf)
	}
	b.inFlight = len(data)
	return data
}

// wrote takes note that n of the bytes of next are written. Where it returns
// false the writer's role has ended.
func (b *outbox) wrote(n int) (frames int, more bool) {
	b.mu.Lock()
	frames, more = b.wroteLocked(n)
	written := b.timedLocked(frames)
	b.mu.Unlock()
	if written != nil {
		written()
	}
	return frames, more
}

// timedLocked returns whom to tell when so many more frames are written.
func (b *outbox) timedLocked(frames int) (written func()) {
	if b.written == nil {
		return nil
	}
	if b.unwritten -= frames; b.unwritten <= 0 {
		written, b.written = b.written, nil
	}
	return written
}

func (b *outbox) wroteLocked(n int) (frames int, more bool) {
	if b.dead {
		return 0, false
	}
	frames = b.advanceLocked(n)
	b.inFlight = 0
	if b.bytes <= b.bound/2 {
		b.notifyDrainedLocked()
	}
	if b.frames.frames > 0 || b.ping || b.pong != nil {
		return frames, true
	}
	b.busy = false
	if b.closing {
		b.notifyFinishedLocked()
	}
	return frames, false
}

func (b *outbox) queuedBytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// whenDrained returns a channel that closes when at most half of the bound is
// in use or no more can be pushed.
func (b *outbox) whenDrained() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing || b.dead || b.bytes <= b.bound/2 {
		return closedChan
	}
	if b.drained == nil {
		b.drained = make(chan struct{})
	}
	return b.drained
}

// whenFinished returns a channel that closes when the close frame is written,
// or will never be.
func (b *outbox) whenFinished() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead || b.closing && b.frames.frames == 0 {
		return closedChan
	}
	if b.finished == nil {
		b.finished = make(chan struct{})
	}
	return b.finished
}

func (b *outbox) appendLocked(frame []byte) {
	b.frames.push(frame)
	b.bytes += cost(frame)
}

func (b *outbox) wakeLocked() verdict {
	if b.busy {
		return queued
	}
	b.busy = true
	return wake
}

func (b *outbox) takeControlsLocked() {
	if b.pong != nil {
		b.appendLocked(b.pong)
	}
	if b.ping {
		b.appendLocked(pingFrame)
	}
	b.pong, b.ping = nil, false
}

// gatherLocked copies as many whole frames as buf holds, one at least.
func (b *outbox) gatherLocked(buf []byte) []byte {
	n, skip := 0, b.offset
	b.frames.each(func(frame []byte) bool {
		frame = frame[skip:]
		skip = 0
		if len(frame) > len(buf)-n {
			return false
		}
		n += copy(buf[n:], frame)
		return true
	})
	return buf[:n]
}

func (b *outbox) advanceLocked(n int) (frames int) {
	for n > 0 {
		frame := b.frames.front()
		rest := len(frame) - b.offset
		if n < rest {
			b.offset += n
			return frames
		}
		n -= rest
		b.offset = 0
		b.bytes -= cost(frame)
		b.frames.pop()
		frames++
	}
	return frames
}

// dropLocked keeps the frames of which bytes are written or in the writer's
// hand: half a frame would make the close frame unreadable.
func (b *outbox) dropLocked() {
	begun := b.offset + b.inFlight
	kept := queue{}
	b.bytes, b.written = 0, nil
	for b.frames.frames > 0 {
		if frame := b.frames.front(); begun > 0 {
			kept.push(frame)
			b.bytes += cost(frame)
			begun -= len(frame)
		}
		b.frames.pop()
	}
	b.frames = kept
}

func (b *outbox) notifyDrainedLocked() {
	if b.drained != nil {
		close(b.drained)
		b.drained = nil
	}
}

func (b *outbox) notifyFinishedLocked() {
	if b.finished != nil {
		close(b.finished)
		b.finished = nil
	}
}

var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
