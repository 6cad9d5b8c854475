package bench

import (
	"testing"
	"time"
)

// unconnected is a fleet whose clients are fed by the test: no loop runs.
func unconnected(users, rooms int) *fleet {
	f := &fleet{cfg: Config{Users: users, Rooms: rooms}, start: time.Now()}
	l := &loop{fleet: f, tally: newTally()}
	f.loops = []*loop{l}
	for i := range users {
		f.clients = append(f.clients, &Client{Index: i, Room: i % rooms, fleet: f, loop: l, ready: true})
	}
	return f
}

// id is the n-th of a server's ids.
func id(n byte) []byte { return append([]byte("01M83G7N1J0007Z5Y1GMAQEHC"), '0'+n) }

type counts struct{ delivered, doubled, disordered, foreign uint64 }

func TestCheckFindsWhatIsWrong(t *testing.T) {
	type delivery struct {
		sender int
		number uint32
		id     byte
	}
	for name, test := range map[string]struct {
		deliveries []delivery
		want       counts
	}{
		"all well":                  {[]delivery{{0, 0, 1}, {2, 0, 2}, {0, 1, 3}}, counts{delivered: 3}},
		"one lost":                  {[]delivery{{0, 0, 1}, {0, 2, 3}}, counts{delivered: 2}},
		"one doubled":               {[]delivery{{0, 0, 1}, {0, 0, 1}, {0, 1, 2}}, counts{delivered: 2, doubled: 1}},
		"doubled later":             {[]delivery{{0, 0, 1}, {0, 1, 2}, {0, 0, 1}}, counts{delivered: 2, doubled: 1}},
		"a sender's order":          {[]delivery{{0, 0, 1}, {0, 2, 3}, {0, 1, 2}, {0, 3, 4}}, counts{delivered: 4, disordered: 1}},
		"the room's order":          {[]delivery{{0, 0, 2}, {2, 0, 1}, {0, 1, 3}}, counts{delivered: 3, disordered: 1}},
		"of another room":           {[]delivery{{1, 0, 1}}, counts{foreign: 1}},
		"of a user who is not here": {[]delivery{{8, 0, 1}}, counts{foreign: 1}},
	} {
		f := unconnected(4, 2)
		c := f.clients[0]
		for _, d := range test.deliveries {
			c.Delivered(mark{d.sender, d.number, 0}.appendBody(nil, minBody), id(d.id))
		}
		tally := &c.loop.tally
		if got := (counts{tally.delivered.Load(), tally.doubled, tally.disordered, tally.foreign}); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// Users 0 and 4 are on the first of two nodes, user 2 on the second: the ids of
// two nodes may come in any order, those of one may not.
func TestCheckOfTwoNodes(t *testing.T) {
	for _, test := range []struct {
		senders    []int
		ids        []byte
		disordered uint64
	}{
		{[]int{0, 2, 4}, []byte{2, 1, 3}, 0},
		{[]int{2, 0, 4}, []byte{1, 3, 2}, 1},
	} {
		f := unconnected(6, 2)
		f.cfg.URLs = []string{"a", "b"}
		c := f.clients[0]
		for i, sender := range test.senders {
			c.Delivered(mark{sender, 0, 0}.appendBody(nil, minBody), id(test.ids[i]))
		}
		if got := c.loop.tally.disordered; got != test.disordered {
			t.Errorf("ids %v of users %v: %d out of order, want %d", test.ids, test.senders, got, test.disordered)
		}
	}
}

func TestDeliveredCountsWhatIsNotOurs(t *testing.T) {
	c := unconnected(1, 1).clients[0]
	c.Delivered([]byte("hello everybody"), id(1))
	if got := c.loop.tally.foreign; got != 1 {
		t.Errorf("%d foreign", got)
	}
}

// Of 5 users in 2 rooms one has stalled: what it posted is expected by its
// room-mates, and what they posted not by it.
func TestExpected(t *testing.T) {
	r := newRun(Config{Users: 5, Rooms: 2, Stalled: 1, Protocol: Klatch(nil)})
	r.fleet = unconnected(5, 2)
	if got := r.expected(); got != 0 {
		t.Errorf("%d deliveries of nothing", got)
	}
	r.fleet.clients[0].number = 10 // room 0, which 2 and 4 read
	r.fleet.clients[2].number = 1
	r.fleet.clients[3].number = 100 // room 1, which 1 and 3 read
	if got := r.expected(); got != 2*10+2*1+2*100 {
		t.Errorf("%d deliveries", got)
	}
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"Retry-After: 5":                  5 * time.Second,
		"Server: x\r\nretry-after:  12  ": 12 * time.Second,
		"Retry-After: tomorrow":           0,
		"Server: x":                       0,
		"":                                0,
	} {
		if got := retryAfter(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// Control frames between the pieces of a message do not end up in it.
func TestMessageInPieces(t *testing.T) {
	var got []string
	c := unconnected(1, 1).clients[0]
	c.fleet.cfg.Protocol = &listener{heard: func(data []byte) { got = append(got, string(data)) }}
	c.phase, c.fd = open, -1
	var stream []byte
	for _, p := range [][]byte{
		serverFrame(opText, []byte("a")), serverFrame(final|opPing, nil), serverFrame(opContinuation, []byte("b")),
		serverFrame(final|opContinuation, []byte("c")), serverFrame(final|opText, []byte("d")),
	} {
		stream = append(stream, p...)
	}
	var rest []byte
	for _, b := range stream {
		rest = append(rest, b)
		n, err := c.consume(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if len(got) != 2 || got[0] != "abc" || got[1] != "d" {
		t.Errorf("heard %q", got)
	}
}

// listener is a Protocol that only listens.
type listener struct {
	Protocol
	heard func(data []byte)
}

func (l *listener) Message(_ *Client, data []byte) { l.heard(data) }
