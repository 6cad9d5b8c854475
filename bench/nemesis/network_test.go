package nemesis

import (
	"strconv"
	"testing"
	"time"
)

// long is for what must come, short for what must not.
const (
	long  = 20 * time.Second
	short = 700 * time.Millisecond
)

// The faults are what they say on both networks: a checker whose partitions let
// everything through would find nothing.
func TestNetworks(t *testing.T) {
	for _, kind := range []string{Netns, Proxy} {
		t.Run(kind, func(t *testing.T) {
			s := newSpeakers(t, kind, 3)
			s.open(0, 1)
			s.open(1, 0)

			s.n.Set(0, 1, Rule{Drop: true})
			s.shut(0, 1) // what is asked does not arrive
			s.shut(1, 0) // what is answered does not
			s.open(0, 2)
			s.open(2, 1)

			s.n.Set(0, 1, Rule{})
			s.open(0, 1)

			s.n.Set(0, 1, Rule{Delay: 150 * time.Millisecond})
			s.takes(0, 1, 150*time.Millisecond)
			s.takes(1, 0, 150*time.Millisecond) // and its answers come that way
			s.n.Set(0, 1, Rule{})

			s.n.Set(0, 1, Rule{Loss: 0.3})
			if came := s.packets(0, 1, short); came < 1 || came > 49 {
				t.Errorf("with a third of the packets lost %d of 50 came back", came)
			}
			s.n.Set(0, 1, Rule{Loss: 0.05})
			s.stream(0, 1, long) // TCP bears it
		})
	}
}

func (s *speakers) packets(from, to int, patience time.Duration) int {
	s.t.Helper()
	text, ok := s.call("udp", from, to, patience)
	n, err := strconv.Atoi(text)
	if !ok || err != nil {
		s.t.Fatalf("datagrams from %d to %d: %s", from, to, text)
	}
	return n
}

func (s *speakers) stream(from, to int, patience time.Duration) time.Duration {
	s.t.Helper()
	text, ok := s.call("tcp", from, to, patience)
	d, err := time.ParseDuration(text)
	if !ok || err != nil {
		s.t.Fatalf("a stream from %d to %d: %s", from, to, text)
	}
	return d
}

// open checks that two nodes reach each other.
func (s *speakers) open(from, to int) {
	s.t.Helper()
	s.stream(from, to, long)
	if came := s.packets(from, to, long); came != 50 {
		s.t.Errorf("%d of 50 datagrams from %d to %d came back", came, from, to)
	}
}

// shut checks that nothing comes back.
func (s *speakers) shut(from, to int) {
	s.t.Helper()
	if text, ok := s.call("tcp", from, to, short); ok {
		s.t.Errorf("a stream from %d to %d passed the cut in %s", from, to, text)
	}
	if came := s.packets(from, to, short); came != 0 {
		s.t.Errorf("%d datagrams from %d to %d passed the cut", came, from, to)
	}
}

func (s *speakers) takes(from, to int, least time.Duration) {
	s.t.Helper()
	if d := s.stream(from, to, long); d < least {
		s.t.Errorf("a stream from %d to %d took %s through a delay of %s", from, to, d, least)
	}
}

// A stream that was open when the cut came holds still, and goes on after it.
func TestProxyHoldsStreams(t *testing.T) {
	s := newSpeakers(t, Proxy, 2)
	s.n.Set(0, 1, Rule{Delay: 500 * time.Millisecond})
	done := make(chan time.Duration, 1)
	go func() { done <- s.stream(0, 1, long) }()
	select {
	case <-done:
		t.Fatal("the stream was too fast")
	case <-time.After(200 * time.Millisecond):
	}
	s.n.Set(0, 1, Rule{Drop: true})
	select {
	case <-done:
		t.Fatal("the stream passed the cut")
	case <-time.After(time.Second):
	}
	s.n.Set(0, 1, Rule{})
	<-done
}
