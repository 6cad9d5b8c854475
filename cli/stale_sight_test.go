package cli

import (
	"bytes"
	"fmt"
)

// staleSight is an answer that somebody was given, and when.
type staleSight struct {
	view     *staleView
	node     int
	from, to int  // the first and the last write whose state it may be
	after    bool // by Klatch-After
	listed   bool // an item of the list of public rooms, which shows the view's content
	absent   bool // or is not there
	got      staleAnswer
}

type staleVerdict int

const (
	staleUndecided staleVerdict = iota // it may be a state that has not been recorded yet
	staleRight                         // it is one of the states
	staleTorn                          // it is made of parts of them
	staleWrong
)

// judge is called with the line's mu.
func (s *staleSight) judge() staleVerdict {
	through := min(s.to, s.view.chapter.recorded)
	for i := s.from; i <= through; i++ {
		if s.matches(s.view.at(i)) {
			return staleRight
		}
	}
	switch {
	case through < s.to:
		return staleUndecided
	case s.from < s.to && s.patched():
		return staleTorn
	}
	return staleWrong
}

// matches reports whether the sight is of a state.
func (s *staleSight) matches(state *staleAnswer) bool {
	switch {
	case s.absent:
		return !shownInPublic(state)
	case s.listed:
		return shownInPublic(state) && bytes.Equal(s.got.body, state.body)
	}
	return s.got.same(state)
}

func shownInPublic(room *staleAnswer) bool {
	return room.status == 200 && bytes.Contains(room.body, []byte(`"private":false`))
}

// patched reports whether the sight may be made of parts of the states: what it
// shows was open to its reader in one of them, and each part is in one of them.
func (s *staleSight) patched() bool {
	v := s.view
	if s.absent || s.got.status != 200 || !s.opened() {
		return false
	}
	var states []*staleAnswer
	for i := s.from; i <= s.to; i++ {
		states = append(states, v.at(i))
		if v.twin != nil {
			states = append(states, v.twin.at(i))
		}
	}
	return v.kind.patched(&s.got, states, s.to-s.from > 1)
}

// opened reports whether the reader could see the view in one of the states. A
// name may have been looked up in one state and the room read in another.
func (s *staleSight) opened() bool {
	for i := s.from; i <= s.to; i++ {
		state := s.view.at(i)
		if state.status == 200 && (!s.listed || shownInPublic(state)) {
			return true
		}
	}
	return s.view.named && s.to-s.from > 1
}

// tell says what is wrong with a sight.
func (s *staleSight) tell() string {
	v, l := s.view, s.view.chapter.line
	what := "an answer that could not be given"
	if s.got.status == 200 && !s.opened() {
		what = "an answer that is CLOSED to its reader"
	}
	text := fmt.Sprintf("I8: %s: %s for %s at node %d (its writer is at %d): %s, X-Cache %s, coding %q\n  got %d %s %s %.2000s",
		what, v.path, v.who, s.node, l.home, s.bounds(), s.got.cache, s.got.coding, s.got.status, s.got.etag, s.got.link, s.got.body)
	for i := v.chapter.first; i < s.from; i++ {
		if s.matches(v.at(i)) && !s.matches(v.at(min(i+1, s.to))) {
			text += fmt.Sprintf("\n  it is STALE: the state of write %d", i)
		}
	}
	for i := max(s.from, s.to-1); i <= s.to; i++ {
		state := v.at(i)
		text += fmt.Sprintf("\n  state %d is %d %s %s %.2000s", i, state.status, state.etag, state.link, state.body)
	}
	return text + l.story(max(v.chapter.first, s.from-3), s.to)
}

func (s *staleSight) bounds() string {
	how := "known to be there"
	if s.after {
		how = "by Klatch-After"
	}
	if s.listed || s.absent {
		how += fmt.Sprintf("; of the list of public rooms, absent: %v", s.absent)
	}
	return fmt.Sprintf("from write %d (%s) to write %d", s.from, how, s.to)
}
