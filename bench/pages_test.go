package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// board is an HTTP server with rooms of messages. What it does wrong is the test's.
type board struct {
	url   string
	wrong func(b *board, w http.ResponseWriter, room string, n int) bool // answers the n-th page itself; called with mu held

	mu     sync.Mutex
	rooms  map[string][]string // ids of messages
	last   int
	seeded int
	pages  int
	after  int // pages that were asked for with Klatch-After
}

func (b *board) start(t *testing.T) *board {
	b.rooms = map[string][]string{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/rooms/{room}", b.room)
	mux.HandleFunc("POST /api/v1/rooms/{room}/messages", b.post)
	mux.HandleFunc("GET /api/v1/rooms/{room}/messages", b.page)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

func boardID(n int) string { return fmt.Sprintf("%0*d", idLength, n) }

func (b *board) room(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `{"id":"id-of-%s","name":"x"}`, r.PathValue("room"))
}

func (b *board) post(w http.ResponseWriter, r *http.Request) {
	var m struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || len(m.Body) != 200 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.last++
	room := r.PathValue("room")
	b.rooms[room] = append(b.rooms[room], boardID(b.last))
	w.Header().Set("Klatch-Position", "p")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":"%s","room":"%s","body":"x"}`, boardID(b.last), room)
}

func (b *board) page(w http.ResponseWriter, r *http.Request) {
	room := r.PathValue("room")
	if b.pages++; b.pages == 1 {
		b.seeded = b.last
	}
	if r.Header.Get("Klatch-After") == "p" {
		b.after++
	}
	if b.wrong != nil && b.wrong(b, w, room, b.pages) {
		return
	}
	w.Header().Set("X-Cache", "MISS")
	if r.Header.Get("Cache-Control") == "no-cache" {
		w.Header().Set("X-Cache", "BYPASS")
	}
	b.answer(w, room, b.rooms[room])
}

// answer writes the newest page of these messages.
func (b *board) answer(w http.ResponseWriter, room string, ids []string) {
	var items []string
	for _, id := range ids[max(0, len(ids)-pageLimit):] {
		items = append(items, fmt.Sprintf(`{"id":"%s","room":"%s","body":"{\"id\":\"x"}`, id, room))
	}
	fmt.Fprintf(w, `{"items":[%s],"prev":null,"next":null}`, strings.Join(items, ","))
}

// leafing is a load of sixty pages and thirty posts.
func leafing(b *board) Config {
	return Config{
		Kind: Pages, URLs: []string{b.url}, Secret: []byte("secret"), Users: 7, Rooms: 3, Rate: 120, Posts: 60,
		Messages: pageLimit, Body: 200, Duration: 500 * time.Millisecond,
	}
}

func leafed(t *testing.T, cfg Config) Result {
	t.Helper()
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Posted != 60 || r.Delivered+r.Lost != 60 || r.Expected != 60 || r.Unsent != 0 {
		t.Errorf("%d of %d answered, %d lost, %d not taken", r.Delivered, r.Posted, r.Lost, r.Unsent)
	}
	return r
}

func TestPagesOfAGoodServer(t *testing.T) {
	b := (&board{}).start(t)
	cfg := leafing(b)
	cfg.Rate, cfg.Posts, cfg.Duration = 60, 30, time.Second // longer than a sample takes
	r := leafed(t, cfg)
	if p := r.Pages; r.Delivered != 60 || r.Errors+p.Stale != 0 || p.Acknowledged != 30 || p.XCache["MISS"] != 60 || p.HitRatio != 0 || p.Bytes < 50*60 || r.P50 <= 0 || p.PostP50 <= 0 {
		t.Errorf("%+v, %+v", r, p)
	}
	if b.last != 180 || b.pages != 60 || b.after != 0 {
		t.Errorf("the server had %d posts and %d pages, %d of them after a position", b.last, b.pages, b.after)
	}
	if r.Protocol != "HTTP/1.1" || len(r.Series) == 0 || r.Series[0].Deliveries == 0 {
		t.Errorf("protocol %s, series %+v", r.Protocol, r.Series)
	}
}

// Each fault is found out as what it is and no more.
func TestPagesFaultsAreFoundOut(t *testing.T) {
	for name, test := range map[string]struct {
		wrong func(b *board, w http.ResponseWriter, room string, n int) bool
		bad   uint64
		first string
	}{
		"an error": {func(_ *board, w http.ResponseWriter, _ string, n int) bool {
			if n == 5 || n == 60 {
				http.Error(w, "no", http.StatusInternalServerError)
			}
			return n == 5 || n == 60
		}, 2, "the server answered 500: no"},
		"another room's page": {func(b *board, w http.ResponseWriter, room string, n int) bool {
			if n == 7 {
				b.answer(w, "id-of-nowhere", b.rooms[room])
			}
			return n == 7
		}, 1, `a message of room "id-of-nowhere"`},
		"a short page": {func(b *board, w http.ResponseWriter, room string, n int) bool {
			if n == 7 {
				b.answer(w, room, b.rooms[room][:49])
			}
			return n == 7
		}, 1, "a page of 49 messages"},
		"an empty page": {func(b *board, w http.ResponseWriter, room string, n int) bool {
			if n == 7 {
				b.answer(w, room, nil)
			}
			return n == 7
		}, 1, "a page without messages"},
		"an end in the middle": {func(_ *board, w http.ResponseWriter, _ string, n int) bool {
			if n != 7 {
				return false
			}
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
			return true
		}, 1, "read the answer: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			r := leafed(t, leafing((&board{wrong: test.wrong}).start(t)))
			if r.Errors != test.bad || r.Lost != test.bad || r.Pages.Stale != 0 || r.Pages.Acknowledged != 30 || !strings.Contains(r.FirstError, test.first) {
				t.Errorf("%d errors, %d lost, %d stale, %d acknowledged, first %q", r.Errors, r.Lost, r.Pages.Stale, r.Pages.Acknowledged, r.FirstError)
			}
		})
	}
}

// I8: a server that answers from a copy it made before a post is found out.
func TestStalePagesAreFoundOut(t *testing.T) {
	old := 0
	b := (&board{wrong: func(b *board, w http.ResponseWriter, room string, n int) bool {
		ids := b.rooms[room]
		at, _ := slices.BinarySearch(ids, boardID(b.seeded+1))
		if at == len(ids) {
			return false
		}
		old++
		w.Header().Set("X-Cache", "HIT")
		b.answer(w, room, ids[:at])
		return true
	}}).start(t)
	r := leafed(t, leafing(b))
	// Some may have been asked for before the acknowledgement came.
	if p := r.Pages; p.Stale == 0 || p.Stale > uint64(old) || r.Errors != 0 || p.XCache["HIT"] != uint64(old) || p.HitRatio != float64(old)/60 {
		t.Errorf("%d stale of %d old ones, %d errors, X-Cache %v, hit ratio %g", p.Stale, old, r.Errors, p.XCache, p.HitRatio)
	}
}

func TestPagesWithoutCache(t *testing.T) {
	cfg := leafing((&board{}).start(t))
	cfg.NoCache = true
	if r := leafed(t, cfg); r.Pages.XCache["BYPASS"] != 60 || !r.Pages.NoCache {
		t.Errorf("%+v", r.Pages)
	}
}

// Nodes need not know what another has acknowledged, but for those who show its position.
func TestPagesOfSeveralNodesShowThePosition(t *testing.T) {
	b := (&board{}).start(t)
	cfg := leafing(b)
	cfg.URLs = append(cfg.URLs, b.url)
	leafed(t, cfg)
	if b.after != 60 {
		t.Errorf("%d of 60 pages were asked for after a position", b.after)
	}
}

func TestPagesEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := leafing((&board{}).start(t))
	cfg.Duration = time.Hour
	cfg.Progress = func(p Progress) {
		if p.Phase == phaseMeasuring {
			cancel()
		}
	}
	if _, err := Run(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPagesThatCannotBePrepared(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := Run(t.Context(), leafing(&board{url: s.URL}))
	if want := "make users: the server answered 404"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// The rooms' law: every room is read, the first most, and in each run alike.
func TestPopularity(t *testing.T) {
	p := &readership{cfg: Config{Users: 1000, Rooms: 200}}
	draw := func() (rooms []int) {
		w := &crew{jobs: make(chan job, 20000)}
		send := p.toWrite(w)
		for i := range cap(w.jobs) {
			send(i, 0)
		}
		close(w.jobs)
		for j := range w.jobs {
			if j.user%200 != j.room || j.user >= 1000 {
				t.Fatalf("user %d posts in room %d", j.user, j.room)
			}
			rooms = append(rooms, j.room)
		}
		return rooms
	}
	first := draw()
	if !slices.Equal(first, draw()) {
		t.Error("two runs differ")
	}
	var count [200]int
	for _, room := range first {
		count[room]++
	}
	if share := float64(count[0]) / 20000; share < 0.15 || share > 0.25 || slices.Contains(count[:], 0) {
		t.Errorf("the first room has %.2f of all, the others %v", share, count[1:])
	}
}

// Acknowledgements may come in any order, from many writers: the newest stays.
func TestNewestStays(t *testing.T) {
	n := make(newestOf, 1)
	if got := n.known(0); got != (newest{}) {
		t.Errorf("%+v before anything", got)
	}
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				id := boardID((i*7919 + writer) % 8192)
				n.acknowledged(0, newest{id, "p"})
				if got := n.known(0); got.id < id {
					t.Errorf("%s is known after %s", got.id, id)
				}
			}
		})
	}
	wg.Wait()
	want := 0
	for i := range 1000 {
		for writer := range 8 {
			want = max(want, (i*7919+writer)%8192)
		}
	}
	if got := n.known(0); got.id != boardID(want) {
		t.Errorf("the newest is %s, want %s", got.id, boardID(want))
	}
}

// More jobs than are kept are refused, and nobody waits.
func TestCrewRefuses(t *testing.T) {
	w := &crew{jobs: make(chan job, 2)}
	for i, want := range []bool{true, true, false} {
		if got := w.take(job{}); got != want {
			t.Errorf("job %d was taken: %t", i, got)
		}
	}
}
