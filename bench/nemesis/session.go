package nemesis

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

// session is one user's client. It comes back by itself to whatever node it is
// sent to, and writes down all that it is told.
type session struct {
	user     *user
	balancer *balancer
	rec      *recorder
	rooms    []string // that the user is always in

	mu     sync.Mutex
	client *client.Client
	told   []Told
	conn   int32
	node   int                 // of the present connection
	newest map[string]string   // id of the newest message by room, in all
	here   map[string]string   // ... told on the present connection
	recent map[string][]string // the last messages by room
	heard  chan struct{}       // closes when something is told

	stop    chan struct{}
	stopped chan struct{}
}

// recentMessages is how many a user can choose from to react to.
const recentMessages = 20

func openSession(ctx context.Context, u *user, f *fleet, rec *recorder, rooms []string) (*session, error) {
	s := &session{
		user: u, balancer: &balancer{fleet: f}, rec: rec, rooms: rooms,
		newest: map[string]string{}, here: map[string]string{}, recent: map[string][]string{},
		heard: make(chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	c, err := client.Dial(ctx, s.config(""))
	if err != nil {
		return nil, err
	}
	s.client = c
	go s.keep()
	return s, nil
}

func (s *session) config(cursor string) client.Config {
	return client.Config{
		URL: "http://klatch", Token: s.user.token, Cursor: cursor,
		OnEvent: s.hear, Dialer: s.balancer.dial,
		Backoff:          client.Backoff{Min: 50 * time.Millisecond, Max: time.Second},
		HandshakeTimeout: 5 * time.Second,
	}
}

// keep opens the session again when a node has ended it for ever, which none should.
func (s *session) keep() {
	defer close(s.stopped)
	for {
		c := s.now()
		select {
		case <-s.stop:
			_ = c.Close()
			return
		case <-c.Done():
		}
		s.rec.ejected(fmt.Sprintf("the session of user %d ended for ever at %s on node %d: %v",
			s.user.index, s.rec.now(), s.balancer.node.Load(), c.Err()))
		if !s.reopen(c.Cursor()) {
			return
		}
	}
}

func (s *session) reopen(cursor string) bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	var c *client.Client
	err := poll(ctx, time.Second, func() (err error) {
		c, err = client.Dial(ctx, s.config(cursor))
		return err
	})
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
	return true
}

func (s *session) now() *client.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

// close ends the session and returns what it was told.
func (s *session) close() *Session {
	closed := s.rec.now()
	close(s.stop)
	<-s.stopped
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Session{Client: s.user.index, Rooms: s.rooms, Told: s.told, Closed: closed}
}

// event is the fields of all events that count.
type event struct {
	Room      string           `json:"room"`
	ID        string           `json:"id"`
	Body      string           `json:"body"`
	Deleted   bool             `json:"deleted"`
	Reactions []client.Reacted `json:"reactions"`
	Duplicate bool             `json:"duplicate"`
	Emoji     string           `json:"emoji"`
	Count     int              `json:"count"`
	Resumed   bool             `json:"resumed"`
}

func (s *session) hear(ev client.Event) {
	var e event
	switch ev.Type {
	case client.TypeReady, client.TypeReset, client.TypeMessage, client.TypeMessageEdited, client.TypeMessageDeleted, client.TypeReaction:
		if err := ev.Decode(&e); err != nil {
			s.rec.ejected(fmt.Sprintf("user %d was told what cannot be read: %v", s.user.index, err))
			return
		}
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Told{At: s.rec.now(), Conn: s.conn, Type: ev.Type, Room: e.Room, ID: e.ID}
	switch ev.Type {
	case client.TypeReady:
		s.conn++
		s.node = int(s.balancer.node.Load())
		clear(s.here)
		t.Conn, t.Flag = s.conn, e.Resumed
	case client.TypeMessage:
		t.Body, t.Flag = hash(e.Body), e.Deleted
		s.sawLocked(e.Room, e.ID)
	case client.TypeMessageEdited:
		t.Body = hash(e.Body)
	case client.TypeMessageDeleted:
		t.Flag = e.Duplicate
	case client.TypeReaction:
		t.Emoji, t.Count = e.Emoji, int32(e.Count)
	}
	s.told = append(s.told, t)
	for _, r := range e.Reactions {
		s.told = append(s.told, Told{
			At: t.At, Conn: t.Conn, Type: client.TypeReaction, Room: t.Room, ID: t.ID, Emoji: r.Emoji, Count: int32(r.Count),
		})
	}
	close(s.heard)
	s.heard = make(chan struct{})
}

func (s *session) sawLocked(room, id string) {
	s.newest[room] = max(s.newest[room], id)
	s.here[room] = max(s.here[room], id)
	r := append(s.recent[room], id)
	s.recent[room] = r[max(0, len(r)-recentMessages):]
}

// sight is what a session has seen of a room.
type sight struct {
	client *client.Client
	conn   int32
	node   int
	here   string // the newest message told on this connection
	newest string // ... on any
	recent []string
}

func (s *session) see(room string) sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sight{s.client, s.conn, s.node, s.here[room], s.newest[room], slices.Clone(s.recent[room])}
}

// await waits until the session has been told of all these messages.
func (s *session) await(ctx context.Context, ids []string) error {
	waits := map[string]bool{}
	for _, id := range ids {
		waits[id] = true
	}
	for read := 0; ; {
		s.mu.Lock()
		heard := s.heard
		for _, t := range s.told[read:] {
			delete(waits, t.ID)
		}
		read = len(s.told)
		s.mu.Unlock()
		if len(waits) == 0 {
			return nil
		}
		select {
		case <-heard:
		case <-ctx.Done():
			return fmt.Errorf("user %d is not told of messages %v: %w", s.user.index, slices.Collect(maps.Keys(waits)), ctx.Err())
		}
	}
}
