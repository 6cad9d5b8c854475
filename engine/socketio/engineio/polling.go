package engineio

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// probeRest is how long a poll waits while a WebSocket is being probed: its
// client is to stop polling, and one that does not is not to ask all the time.
const probeRest = 100 * time.Millisecond

// poll is a GET that waits; guarded by Session.mu.
type poll struct {
	ready   chan struct{} // closes when there is an answer
	woken   bool
	settled bool // last is the answer; else the session's queue is
	last    [][]byte
}

// wakeLocked has the waiting poll answered.
func (s *Session) wakeLocked() {
	if s.poll != nil && !s.poll.woken {
		s.poll.woken = true
		close(s.poll.ready)
	}
}

// settlePollLocked answers the waiting poll with last, and nothing else.
func (s *Session) settlePollLocked(last ...[]byte) {
	if s.poll == nil {
		return
	}
	s.poll.settled, s.poll.last = true, last
	s.wakeLocked()
	s.poll = nil
}

// servePoll answers a GET when there is something to send.
func (s *Session) servePoll(w http.ResponseWriter, r *http.Request) {
	p, patience, refusal := s.beginPoll()
	if refusal != nil {
		refusal.write(w, http.StatusBadRequest)
		return
	}
	if !s.await(r, p, patience) {
		s.end(ReasonTransportError)
		return
	}
	body, err := encodePayload(s.protocol, s.endPoll(p))
	if err != nil {
		s.misused(err)
		badRequest.write(w, http.StatusBadRequest)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(s.server.config.WriteTimeout))
	if err := answerPoll(w, body); err != nil {
		s.end(ReasonTransportError)
	}
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

// beginPoll has the request wait, patience at most where that is not 0.
func (s *Session) beginPoll() (p *poll, patience time.Duration, refusal *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stage == over:
		return nil, 0, &unknownSID
	case s.ws.Load() != nil:
		return nil, 0, &badRequest
	case s.poll != nil:
		s.endLocked(ReasonTransportError, closeText{}, closeFrame)
		return nil, 0, &badRequest
	}
	p = &poll{ready: make(chan struct{})}
	s.poll = p
	switch {
	case len(s.queue) > 0:
		s.wakeLocked()
	case s.stage == leaving:
		s.endLocked(s.reason, closeText{}, closeFrame)
	}
	if s.probed {
		patience = probeRest
	}
	return p, patience, nil
}

// await returns false when the client is gone.
func (s *Session) await(r *http.Request, p *poll, patience time.Duration) bool {
	var enough <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-p.ready:
		return true
	case <-enough:
		return true
	case <-r.Context().Done():
		return false
	}
}

// endPoll takes what the poll is answered with.
func (s *Session) endPoll(p *poll) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames := p.last
	if !p.settled {
		s.poll = nil
		frames = s.takeQueueLocked()
	}
	if len(frames) == 0 {
		return [][]byte{noopFrame}
	}
	return frames
}

func answerPoll(w http.ResponseWriter, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return err
}

// servePost takes a POST's packets, one after the other.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	if refusal := s.beginPost(); refusal != nil {
		refusal.write(w, http.StatusBadRequest)
		return
	}
	defer s.endPost()
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isBinary := kind == "application/octet-stream"
	body, err := s.readBody(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		badRequest.write(w, http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		s.end(ReasonTransportError)
		badRequest.write(w, http.StatusBadRequest)
		return
	case isBinary && s.protocol == 4:
		s.end(ReasonTransportError)
		badRequest.write(w, http.StatusBadRequest)
		return
	}
	if !s.takePayload(isBinary, body) {
		badRequest.write(w, http.StatusBadRequest)
		return
	}
	// Not text/plain, which some old browsers would offer to save.
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok")
}

func (s *Session) beginPost() *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stage == over:
		return &unknownSID
	case s.ws.Load() != nil:
		return &badRequest
	case s.posting:
		s.endLocked(ReasonTransportError, closeText{}, closeFrame)
		return &badRequest
	}
	s.posting = true
	return nil
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

// readBody reads what a POST brings, in no more time than a client may be silent.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := int64(s.server.config.MaxPayload)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // instead of reading it
		return nil, &http.MaxBytesError{Limit: limit}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.server.config.PingTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil { // else nothing more is read from this connection
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

// takePayload returns false when the payload, or what it says, is malformed.
func (s *Session) takePayload(isBinary bool, body []byte) bool {
	s.mu.Lock()
	s.beat.heardLocked(s)
	s.mu.Unlock()
	var err error
	panicked := s.guard(func() {
		err = decodePayload(s.protocol, isBinary, body, func(p packet) bool {
			s.receive(p)
			return s.isAlive()
		})
	})
	switch {
	case panicked:
		s.end(ReasonTransportError)
	case err != nil:
		s.end(ReasonParseError)
	}
	return err == nil && !panicked
}
