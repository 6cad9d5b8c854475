package cli

import (
	"testing"
	"time"
)

// TestEbb: memory is given back once the crowd has passed, not while it comes,
// not for a few, and not again and again.
func TestEbb(t *testing.T) {
	released := 0
	e := &ebb{release: func() { released++ }}
	now, moved := time.Unix(0, 0), uint64(0)
	look := func(news uint64) {
		now, moved = now.Add(ebbLook), moved+news
		e.look(now, moved)
	}
	want := func(n int, what string) {
		t.Helper()
		if released != n {
			t.Fatalf("%s: released %d times, want %d", what, released, n)
		}
	}
	for range 10 {
		look(ebbQuiet)
	}
	want(0, "a few who come and go")
	look(5000)
	look(ebbQuiet + 1)
	look(0)
	want(0, "a crowd that has just come")
	look(0)
	want(1, "calm after a crowd")
	for range 60 {
		look(0)
	}
	want(1, "still calm")
	look(ebbCrowd / 2)
	look(0)
	look(ebbCrowd / 2)
	look(0)
	want(1, "a crowd in two waves")
	look(0)
	want(2, "calm after both")
	look(ebbCrowd)
	look(0)
	look(0)
	want(2, "a crowd right after a release")
	for range int(ebbPause / ebbLook) {
		look(0)
	}
	want(3, "its release, when its time had come")
}
