package socket

import "sync"

const chunkFrames = 16

// chunk is a piece of a queue. An idle connection owns none.
type chunk struct {
	frames [chunkFrames][]byte
	next   *chunk
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// queue is a first-in, first-out list of frames. It shares their bytes.
type queue struct {
	head, tail  *chunk
	first, last int // of the next frame in head; past the last frame in tail
	frames      int
}

func (q *queue) push(frame []byte) {
	switch {
	case q.tail == nil:
		q.head = chunks.Get().(*chunk)
		q.tail, q.first, q.last = q.head, 0, 0
	case q.last == chunkFrames:
		q.tail.next = chunks.Get().(*chunk)
		q.tail, q.last = q.tail.next, 0
	}
	q.tail.frames[q.last] = frame
	q.last++
	q.frames++
}

func (q *queue) front() []byte { return q.head.frames[q.first] }

func (q *queue) pop() {
	q.head.frames[q.first] = nil
	q.first++
	q.frames--
	switch {
	case q.frames == 0:
		chunks.Put(q.head)
		*q = queue{}
	case q.first == chunkFrames:
		old := q.head
		q.head, q.first = old.next, 0
		old.next = nil
		chunks.Put(old)
	}
}

// each calls f with the frames in order until it returns false.
func (q *queue) each(f func(frame []byte) bool) {
	c, i := q.head, q.first
	for range q.frames {
		if i == chunkFrames {
			c, i = c.next, 0
		}
		if !f(c.frames[i]) {
			return
		}
		i++
	}
}
