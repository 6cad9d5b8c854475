package engineio

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

var _ engine.Conn = (*Session)(nil)

// ErrClosed is returned by Session.Drained after the end.
var ErrClosed = errors.New("the session is closed")

// frameOverhead is what a frame that waits costs beside its bytes.
const frameOverhead = 32

// stage is how far a session has come. It only grows.
type stage uint8

const (
	alive   stage = iota
	leaving       // closed, and its last packets wait for a poll
	over          // unknown to clients; its handler is being told
)

// Session is one client, over one transport at a time. Its methods may be
// called at any time from any goroutine, handlers included; after the end they
// do nothing.
//
// Lock order: turn, then mu, then the socket's own. Handlers are called with
// turn held at most.
type Session struct {
	// Static once Config.Accept has returned.
	server   *Server
	id       string
	protocol int
	request  *Request
	handler  Handler
	release  func()

	turn  sync.Mutex                  // held while the handler is told a message, or the end
	beats sync.WaitGroup              // calls of Handler.Beat under way
	ws    atomic.Pointer[socket.Conn] // the way out, once everything before has taken it

	mu        sync.Mutex
	begun     bool // it has its handler
	stage     stage
	reason    Reason
	direct    bool          // made over a WebSocket, and never polls
	queue     [][]byte      // frames for the next poll, or until the WebSocket is there
	bytes     int           // what the queue costs
	drained   chan struct{} // made when asked for
	poll      *poll         // the GET that waits
	posting   bool          // a POST is at work
	probing   *link         // the WebSocket that may be upgraded to
	probed    bool          // it has been asked for, so that polls are to end
	closeWith closeText     // what a WebSocket that comes late is closed with
	beat      heartbeat
}

type closeText struct {
	code engine.CloseCode
	text string
}

// ID is the sid.
func (s *Session) ID() string { return s.id }

// Protocol is the version of Engine.IO, 3 or 4.
func (s *Session) Protocol() int { return s.protocol }

// Request is the one that made the session.
func (s *Session) Request() *Request { return s.request }

// Transport is "polling" or "websocket", the present one.
func (s *Session) Transport() string {
	if s.direct || s.ws.Load() != nil {
		return transportWebSocket
	}
	return transportPolling
}

// Send queues one or several complete frames, as socket.TextFrame and
// socket.BinaryFrame make them: a text packet "4..." or a binary message. It
// never blocks and keeps no more than a reference; nobody may change the bytes.
// Past the queue's bound the session ends with ReasonTooSlow. A queue that
// holds nothing takes frames of any size.
func (s *Session) Send(frame []byte) {
	if len(frame) == 0 {
		return
	}
	if ws := s.ws.Load(); ws != nil {
		s.sendOn(ws, frame)
		return
	}
	s.mu.Lock()
	ws := s.ws.Load()
	if ws == nil && s.stage == alive {
		s.queueLocked(frame)
	}
	s.mu.Unlock()
	if ws != nil { // upgraded in between
		s.sendOn(ws, frame)
	}
}

// Way is the WebSocket on which a frame given to Send leaves as it is, once there
// is one: who sends much may keep it, and give it frames as long as nobody has
// told of the session's end.
func (s *Session) Way() *socket.Conn {
	if s.protocol == 3 {
		return nil
	}
	return s.ws.Load()
}

// sendOn sends on the WebSocket.
func (s *Session) sendOn(ws *socket.Conn, frame []byte) {
	if s.protocol == 3 {
		typed, err := typedFrames(frame)
		if err != nil {
			s.misused(err)
			return
		}
		frame = typed
	}
	ws.Send(frame)
}

// queueLocked keeps a frame for the next poll.
func (s *Session) queueLocked(frame []byte) {
	cost := len(frame) + frameOverhead
	if s.bytes > 0 && s.bytes+cost > s.server.config.QueueBytes {
		s.endLocked(ReasonTooSlow, closeText{engine.CloseTooSlow, "too slow"}, closeFrame)
		return
	}
	s.queue = append(s.queue, frame)
	s.bytes += cost
	s.wakeLocked()
}

// Drained waits until at most half of the queue's bound is in use. It returns
// an error when ctx or the session ends first.
func (s *Session) Drained(ctx context.Context) error {
	for {
		if ws := s.ws.Load(); ws != nil {
			return ws.Drained(ctx)
		}
		drained, err := s.whenDrained()
		if drained == nil {
			return err
		}
		select {
		case <-drained:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// whenDrained returns what to wait for, if there is anything.
func (s *Session) whenDrained() (<-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stage != alive:
		return nil, ErrClosed
	case s.bytes <= s.server.config.QueueBytes/2:
		return nil, nil
	case s.drained == nil:
		s.drained = make(chan struct{})
	}
	return s.drained, nil
}

// Queued is how much of the queue's bound is in use.
func (s *Session) Queued() int {
	if ws := s.ws.Load(); ws != nil {
		return ws.Queued()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// Close sends what is queued, then closes: a WebSocket with the code, polling
// with a close packet, which has a poll of its own. Polls are waited for no longer
// than Config.CloseTimeout. It returns at once; only the first call counts. The handler is told
// ReasonForcedClose.
func (s *Session) Close(code engine.CloseCode, text string) {
	s.leave(ReasonForcedClose, closeText{code, text})
}

// End is Close with a reason of the caller's.
func (s *Session) End(reason Reason) {
	s.leave(reason, closeText{codeOf(reason), string(reason)})
}

func codeOf(reason Reason) engine.CloseCode {
	switch reason {
	case ReasonParseError:
		return engine.CloseProtocolError
	case ReasonTooSlow:
		return engine.CloseTooSlow
	case ReasonShuttingDown:
		return engine.CloseLeaving
	}
	return engine.CloseNormal
}

// leave ends the session when what is queued has been sent. A poll that takes
// the queue does not bring the close packet, too: clients act on that before they
// hand on the messages beside it.
func (s *Session) leave(reason Reason, with closeText) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stage != alive:
	case s.direct || s.ws.Load() != nil || s.poll != nil && len(s.queue) == 0:
		s.endLocked(reason, with, closeFrame)
	default:
		s.stage, s.reason = leaving, reason
		s.dropProbeLocked()
		s.notifyDrainedLocked()
		s.beat.cutOffLocked(s)
	}
}

// end ends the session at once. What waits for a poll is dropped.
func (s *Session) end(reason Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason, closeText{codeOf(reason), string(reason)}, closeFrame)
}

// endLocked ends the session; a poll that waits is answered with last.
func (s *Session) endLocked(reason Reason, with closeText, last ...[]byte) {
	if s.stage == over {
		return
	}
	if s.stage == alive { // else it has its reason
		s.reason = reason
	}
	s.stage = over
	s.server.forget(s)
	s.beat.stopLocked()
	s.settlePollLocked(last...)
	s.dropProbeLocked()
	s.notifyDrainedLocked()
	s.finishLocked(with)
}

// finishLocked has the handler told by who can know that it will be told nothing
// more: with a WebSocket, when that is closed.
func (s *Session) finishLocked(with closeText) {
	ws := s.ws.Load()
	switch {
	case ws != nil:
		ws.Close(with.code, with.text)
	case s.direct: // what is queued waits for the connection, or a failed handshake
		s.closeWith = with
	case s.begun:
		s.queue, s.bytes = nil, 0
		s.server.config.Sockets.Do(s.finish)
	}
}

// finish tells the handler, once, when nobody else tells it anything.
func (s *Session) finish() {
	s.beats.Wait()
	s.turn.Lock()
	defer s.server.left() // last: Server.Close waits for it
	defer s.release()
	defer s.turn.Unlock()
	s.guard(func() { s.handler.Closed(s, s.reason) })
}

// tell hands a message over, in turn, unless the session has ended.
func (s *Session) tell(isBinary bool, data []byte) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.isAlive() {
		s.handler.Message(s, isBinary, data)
	}
}

func (s *Session) isAlive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage == alive
}

// receive takes a packet, whatever transport it came by.
func (s *Session) receive(p packet) {
	switch p.kind {
	case typeMessage:
		s.tell(p.binary, p.data)
	case typePing:
		if s.protocol == 4 {
			s.end(ReasonTransportError) // pings are the server's
			return
		}
		s.Send(pongFrame)
	case typePong:
		if s.protocol == 3 {
			s.end(ReasonTransportError)
		}
	case typeClose:
		s.closedByClient()
	}
}

// closedByClient is the close packet: a poll that waits ends, but not with an
// answer that would close what is closed.
func (s *Session) closedByClient() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(ReasonTransportClose, closeText{engine.CloseNormal, ""}, noopFrame)
}

// misused ends a session that was given what is no frame.
func (s *Session) misused(err error) {
	s.server.config.Logger.Error("engine.io session was given a malformed frame", "session", s.request.Name(), "err", err)
	s.end(ReasonTransportError)
}

func (s *Session) notifyDrainedLocked() {
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// takeQueueLocked is everything that waits.
func (s *Session) takeQueueLocked() [][]byte {
	frames := s.queue
	s.queue, s.bytes = nil, 0
	s.notifyDrainedLocked()
	return frames
}

// guard keeps a handler's panic from the goroutine that calls it.
func (s *Session) guard(f func()) (panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			panicked = true
			s.server.config.Logger.Error("engine.io handler panicked", "session", s.request.Name(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
	return false
}

// heartbeat is the time of a session that polls; guarded by Session.mu.
// A session's WebSocket has the wheel's.
type heartbeat struct {
	timer    *time.Timer
	awaiting bool      // a ping is unanswered
	heard    time.Time // v3: the last sign of life
	next     time.Time // v3: the next beat
}
