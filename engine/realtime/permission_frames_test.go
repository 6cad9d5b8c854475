package realtime

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// frameFields are what frames say beside their type.
var frameFields = map[string]fields{
	typePost:             {"room": "$room", "body": "hi"},
	typeEdit:             {"id": "$message", "body": "new"},
	typeDelete:           {"id": "$message"},
	typeReact:            {"id": "$message", "emoji": "x"},
	"react to take back": {"id": "$message", "emoji": "x", "remove": true},
	typeJoin:             {"room": "$room"},
	typeLeave:            {"room": "$room"},
	typeHistory:          {"room": "$room"},
	typeRead:             {"room": "$room", "id": "$message"},
	typeTyping:           {"room": "$room"},
	typePresence:         {"status": "busy"},
	typeSignal:           {"room": "$room", "name": "ring"},
	typePing:             {},
}

// frame is what a row's call sends.
func (s *scene) frame(p permission) fields {
	given, ok := frameFields[p.String()]
	if !ok {
		given = frameFields[p.target]
	}
	message := s.message
	if strings.HasPrefix(p.variant, ownOnly) {
		message = s.own
	}
	f := maps.Clone(given)
	if f == nil {
		f = fields{}
	}
	for name, v := range f {
		switch v {
		case "$room":
			f[name] = s.room.String()
		case "$message":
			f[name] = message.String()
		}
	}
	f["type"] = p.target
	return f
}

// frameOutcome is what a frame comes to: an answer, the end of the connection, or one after the other.
type frameOutcome struct {
	answer string // ack, pong, ready or an error's code; "" for none
	close  engine.CloseCode
}

func parseOutcome(cell string) (o frameOutcome) {
	for word := range strings.FieldsSeq(cell) {
		if code, err := strconv.Atoi(word); err == nil {
			o.close = engine.CloseCode(code)
		} else {
			o.answer = word
		}
	}
	return o
}

// frameRef is the ref of the frame that a cell is about.
const frameRef = 7

// greets reports whether the row is about the first frame, by which the caller is known.
func (p permission) greets() bool { return p.target == typeHello && p.variant == "" }

// checkFrame holds a frame against its cell, over one protocol. Who is banned or
// revoked has a session when that happens, unless the call is to open one.
func (s *scene) checkFrame(p permission, over client.Format, cell string) {
	s.t.Helper()
	s.prepare(p)
	r, _, err := s.rawIn(s.t, over, nil)
	noError(s.t, err)
	if p.greets() {
		s.condemn()
	}
	s.before = s.engine.Position()
	r.send(fields{"type": typeHello, "token": s.caller.token})
	if !p.greets() {
		if s.who != "nobody" {
			r.next("ready")
			s.condemn()
			s.before = s.engine.Position()
		}
		s.sendFrame(r, p)
	}
	s.compare(r, p.greets() || s.who == "nobody", parseOutcome(cell))
}

func (s *scene) sendFrame(r *raw, p permission) {
	s.t.Helper()
	if r.io != nil && p.target == typeHello { // a speaker makes CONNECT of it
		r.io.write(fmt.Sprintf(`42%d["hello",{}]`, frameRef))
		return
	}
	f := s.frame(p)
	f["ref"] = int64(frameRef)
	r.send(f)
}

// compare holds what comes against a cell; greeting: what comes answers the first frame.
func (s *scene) compare(r *raw, greeting bool, want frameOutcome) {
	s.t.Helper()
	if got := r.outcome(greeting); got != want.answer {
		s.t.Fatalf("answered %q, not %q; had %v", got, want.answer, r.frames)
	}
	if want.close != 0 {
		r.wantClose(want.close)
	}
	if slices.Contains([]string{typeAck, typePong, "ready"}, want.answer) {
		return
	}
	if !s.engine.Position().Equal(s.before) {
		s.t.Error("refused, but something was written")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.Contains(fmt.Sprint(r.frames), secret) {
		s.t.Errorf("refused, but told what was written: %v", r.frames)
	}
	if s.who == "nobody" && slices.ContainsFunc(r.frames, func(f fields) bool { return f["ref"] != nil }) {
		s.t.Errorf("who is not known had an answer: %v", r.frames)
	}
}

// outcome waits for the answer to the frame, or to the greeting, or for the end of the
// connection, and returns what it was: a type, a code, or nothing.
func (r *raw) outcome(greeting bool) string {
	r.t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		for ; r.taken < len(r.frames); r.taken++ {
			f := r.frames[r.taken]
			if f["ref"] != int64(frameRef) && (!greeting || f["type"] != "ready" && f["type"] != typeError) {
				continue
			}
			r.mu.Unlock()
			if f["type"] == typeError {
				return fmt.Sprint(f["code"])
			}
			return fmt.Sprint(f["type"])
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-r.closed:
			r.mu.Lock()
			over := r.taken == len(r.frames)
			r.mu.Unlock()
			if over {
				return ""
			}
		case <-late:
			r.t.Fatalf("neither an answer nor the end came; had %v", r.frames)
		}
	}
}
