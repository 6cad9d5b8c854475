package cli

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// forger stands between the readers and a node: it gives them, when told to,
// what it has seen before. Writers, who read past the caches, it leaves alone.
type forger struct {
	http.RoundTripper
	mu    sync.Mutex
	kept  map[string]*forged // by who asks for what
	forge func(now, old *forged) *forged
}

// forged is an answer that can be given again.
type forged struct {
	status int
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (f *forger) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.RoundTripper.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet || r.Header.Get("Cache-Control") != "" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now, key := &forged{resp.StatusCode, resp.Header.Clone(), body}, r.URL.Path+r.URL.RawQuery+r.Header.Get("Authorization")
	if old := f.kept[key]; old != nil && f.forge != nil {
		now = f.forge(now, old)
	} else if f.forge == nil {
		f.kept[key] = now
	}
	resp.StatusCode, resp.Header, resp.Body = now.status, now.header, io.NopCloser(bytes.NewReader(now.body))
	return resp, nil
}

// set begins to forge; nil: ends it, and forgets.
func (f *forger) set(forge func(now, old *forged) *forged) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forge = forge; forge == nil {
		f.kept = map[string]*forged{}
	}
}

// staleForgery is a view, what is done to it, and what is then given for it.
type staleForgery struct {
	name   string
	reader int
	path   string
	act    func(r *staleRoom) staleAct
	forge  func(now, old *forged) *forged
	known  bool // the reader has the old answer, and says so
	wrong  bool
}

var staleForgeries = []staleForgery{
	{"no forgery", stalePlain, "/messages", (*staleRoom).post, genuine, false, false},
	{"no forgery, changed", stalePlain, "/messages", (*staleRoom).post, genuine, true, false},
	{"a page", stalePlain, "/messages", (*staleRoom).post, replayed, false, true},
	{"a page, unchanged", stalePlain, "/messages", (*staleRoom).post, unchanged, true, true},
	{"a page before an edit", staleStranger, "/messages?limit=200", editLast, replayed, false, true},
	{"a page with what was deleted", staleGoer, "/messages?limit=200", eraseLast, replayed, false, true},
	{"a page without a reaction", staleReactor, "/messages?limit=5", reactLast, replayed, false, true},
	{"a page with a tag from before", stalePlain, "/messages", (*staleRoom).post, oldTag, false, true},
	{"a page from before, with a tag", stalePlain, "/messages", (*staleRoom).post, oldBody, false, true},
	{"a room before its new name", stalePlain, "", (*staleRoom).rename, replayed, false, true},
	{"a room's unread before they were read", staleMarker, "", markLast, replayed, false, true},
	{"rooms, with one that was left", staleGoer, "/rooms", throwOut, replayed, false, true},
	{"a private room", staleStranger, "", hide, replayed, false, true},
	{"a private room's page", staleStranger, "/messages", hide, replayed, false, true},
	{"a private room's page, unchanged", staleStranger, "/messages", hide, unchanged, true, true},
}

func genuine(now, _ *forged) *forged  { return now }
func replayed(_, old *forged) *forged { return old }
func oldTag(now, old *forged) *forged { return &forged{now.status, old.header, now.body} }

func oldBody(now, old *forged) *forged { return &forged{now.status, now.header, old.body} }
func unchanged(_, old *forged) *forged { return &forged{http.StatusNotModified, old.header, nil} }
func editLast(r *staleRoom) staleAct   { return r.edit(r.ledger.back(1)) }
func eraseLast(r *staleRoom) staleAct  { return r.erase(r.ledger.back(1)) }
func reactLast(r *staleRoom) staleAct  { return r.react(r.ledger.back(2)) }
func markLast(r *staleRoom) staleAct   { return r.markUpTo(r.ledger.back(1)) }
func throwOut(r *staleRoom) staleAct   { return r.throwOut() }
func hide(r *staleRoom) staleAct       { return r.close(true) }

// The checker is no good unless it finds what is stale: here somebody gives old
// answers on purpose, and each must be found, and nothing else.
func TestI8StaleAnswersAreFound(t *testing.T) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	t.Cleanup(transport.CloseIdleConnections)
	f := &forger{RoundTripper: transport, kept: map[string]*forged{}}
	x := newStale(t, staleSize{nodes: 1, rooms: 1, prefill: [4]int{12}}, f)
	for i := range staleForgeries {
		c := &staleForgeries[i]
		var said []any
		x.complain = func(args ...any) { said = append(said, args...) }
		x.tally.wrong.Store(0)
		f.set(nil)
		x.rooms[0].forgeIn(f, c)
		if t.Failed() {
			t.Fatalf("in %s", c.name)
		}
		if (len(said) > 0) != c.wrong {
			t.Fatalf("%s: it should be wrong: %v, but the checker says %q", c.name, c.wrong, said)
		}
	}
}

// forgeIn looks at a view, changes it, and looks again through the forger.
func (r *staleRoom) forgeIn(f *forger, forgery *staleForgery) {
	if r.ledger.private {
		r.do(r.close(false), nil)
	}
	if r.ledger.roles[staleGoer] == "" {
		r.do(r.admit(staleGoer, "member"), nil)
	}
	r.do(r.post(), nil)
	r.do(r.post(), nil)
	c, read := r.views(), &staleReader{x: r.x, rng: r.rng}
	v := c.find(r, forgery.reader, forgery.path)
	c.views = slices.Clone(c.shown) // the others take time and are not looked at
	if !slices.Contains(c.views, v) {
		c.views = append(c.views, v)
	}
	if !r.record(c) {
		return
	}
	r.begin(c)
	read.see(v, 0, true, "", nil)
	var had *staleAnswer
	if forgery.known {
		had = v.remembered(r.rng)
	}
	if r.do(forgery.act(r), nil) && r.record(c) {
		f.set(forgery.forge)
		read.see(v, 0, true, "", had)
	}
}

// find returns a view by its reader and its path in the room.
func (c *staleChapter) find(r *staleRoom, reader int, path string) *staleView {
	for _, v := range c.views {
		if v.token == r.people[reader].token && (v.path == path || strings.TrimPrefix(v.path, "/rooms/"+r.id) == path) {
			return v
		}
	}
	panic("there is no such view")
}
