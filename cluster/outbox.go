package cluster

import (
	"time"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// relayBytes bounds the notices that wait for one link; past it they are dropped.
const relayBytes = 256 << 10

// outbox is what a link has to send besides events. The position is made when it
// is sent, so that it is the newest; presence is one entry a user; relays are
// bounded; wants and rosters are few.
type outbox struct {
	frames      [][]byte // hello, wants, rosters, requests
	relays      [][]byte
	relayBytes  int
	positionDue bool
	users       map[engine.ID]engine.Status // whose status the peer has not been told
	begin       bool                        // the next presence frame begins anew
	usersDue    bool
	snapshot    engine.Snapshot // being sent
	asked       bool            // a snapshot has been asked for
}

// send queues a small frame that must arrive.
func (l *link) send(frame []byte) {
	l.mu.Lock()
	l.out.frames = append(l.out.frames, frame)
	l.mu.Unlock()
	l.nudge()
}

// oweStatus has the writer send this node's position.
func (l *link) oweStatus() {
	l.mu.Lock()
	l.out.positionDue = true
	l.mu.Unlock()
	l.nudge()
}

// relay queues a notice, and reports whether there was room.
func (l *link) relay(frame []byte) bool {
	l.mu.Lock()
	ok := l.out.relayBytes+len(frame) <= relayBytes
	if ok {
		l.out.relays = append(l.out.relays, frame)
		l.out.relayBytes += len(frame)
	}
	l.mu.Unlock()
	l.nudge()
	return ok
}

// write sends what is due until the link ends.
func (l *link) write() {
	defer l.dropSnapshot()
	for {
		for l.writeOnce() {
		}
		select {
		case <-l.wake:
		case <-l.done:
			return
		}
	}
}

// writeOnce sends one round of everything, and reports whether there may be more.
func (l *link) writeOnce() (more bool) {
	if l.ended() {
		return false
	}
	l.mu.Lock()
	frames, due := l.out.frames, l.out.positionDue
	frames = append(frames, l.out.relays...)
	l.out.frames, l.out.relays, l.out.relayBytes, l.out.positionDue = nil, nil, 0, false
	users := l.usersFrameLocked()
	l.mu.Unlock()
	if due {
		frames = append(frames, encodeFrame(framePosition, l.cluster.status(l)))
	}
	if users != nil {
		frames = append(frames, users)
	}
	for _, f := range frames {
		if !l.writeFrame(f) {
			return false
		}
	}
	events := l.writeEvents()
	piece := l.writePiece()
	return events || piece
}

func (l *link) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// writeFrame sends one frame, and ends the link if it cannot.
func (l *link) writeFrame(f []byte) bool {
	err := l.net.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		err = l.ws.WriteMessage(gws.OpcodeBinary, f)
	}
	if err != nil {
		l.fail(err)
		return false
	}
	l.stats.bytesSent.Add(uint64(len(f)))
	return true
}
