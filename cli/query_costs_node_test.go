package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/storage"
)

// costDisk is where a store of the test of costs lies.
type costDisk struct {
	fs     vfs.FS
	memory string // as --memory
	dir    string
}

func (d costDisk) config(t *testing.T) Config {
	t.Helper()
	c, err := load(values{"data": d.dir, "memory": d.memory, "rate-limit": "off", "registration": "open"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (d costDisk) store(t *testing.T) *storage.Store {
	t.Helper()
	c := d.config(t)
	s, err := storage.Open(c.Data, storage.Options{Memory: c.Memory - answerMemory(c), Logger: silent, FS: d.fs, Now: Clock})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// costNode is a node as openNode wires it, without listeners: what a request
// costs is all of the request's.
type costNode struct {
	t     *testing.T
	store *storage.Store
	doors api.Handler
	close []func() error
}

func (d costDisk) open(t *testing.T) *costNode {
	t.Helper()
	c := d.config(t)
	n := &costNode{t: t, store: d.store(t)}
	n.close = append(n.close, n.store.Close)
	config := engineConfig(c, n.store, silent)
	config.Password = engine.PasswordCost{MemoryKiB: 64, Passes: 1, Lanes: 1}
	e, err := engine.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	n.close = append(n.close, e.Close)
	admission := newAdmission(c)
	live, err := openLive(c, e, admission, nil, silent)
	if err != nil {
		t.Fatal(err)
	}
	n.close = append(n.close, func() error { return live.close(context.Background()) })
	figures := &nodeFigures{begun: Clock(), store: n.store, engine: e, admission: admission}
	n.doors, err = front(c, e, live, newRequestMetrics(prometheus.NewRegistry()), figures, silent)
	if err != nil {
		t.Fatal(err)
	}
	figures.answers = n.doors.Stats
	n.close = append(n.close, n.doors.Close)
	return n
}

func (n *costNode) shut() {
	n.t.Helper()
	for i := len(n.close) - 1; i >= 0; i-- {
		if err := n.close[i](); err != nil {
			n.t.Error(err)
		}
	}
}

const costLook = 500 * time.Microsecond

// rest waits until what goes on behind requests has come to an end: Pebble opens
// tables and compacts, which costs blocks that nobody asked for, and records come
// into the cache a moment after they were read. Looks are how often nothing may have changed.
func (n *costNode) rest(looks int) {
	n.t.Helper()
	tick := time.NewTicker(costLook)
	defer tick.Stop()
	enough := time.Now().Add(5 * time.Minute)
	last := n.store.Metrics()
	for quiet := 0; quiet < looks; {
		<-tick.C
		now := n.store.Metrics()
		if quiet++; now.BlocksRead != last.BlocksRead || now.DiskBytes != last.DiskBytes || now.RecordBytes != last.RecordBytes {
			quiet = 0
		}
		if last = now; time.Now().After(enough) {
			n.t.Log("the store does not come to rest: figures of blocks have compactions in them")
			return
		}
	}
}

// costCall is one request.
type costCall struct {
	method, path string // under /api/v1, or at the root after a second slash
	token        string
	body         any
	kept         bool // the answer may come from the cache of answers
	status       int  // wanted; 0: 200
}

func (n *costNode) do(c costCall) (body []byte) {
	n.t.Helper()
	url := "/api/v1" + c.path
	if len(c.path) > 1 && c.path[1] == '/' {
		url = c.path[1:]
	}
	var sent io.Reader
	if c.body != nil {
		b, err := json.Marshal(c.body)
		if err != nil {
			n.t.Fatal(err)
		}
		sent = bytes.NewReader(b)
	}
	r, w := httptest.NewRequest(c.method, url, sent), httptest.NewRecorder()
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if !c.kept {
		r.Header.Set("Cache-Control", "no-cache")
	}
	n.doors.ServeHTTP(w, r)
	want := c.status
	if want == 0 {
		want = http.StatusOK
	}
	if w.Code != want {
		n.t.Fatalf("%s %s answers %d, want %d: %s", c.method, url, w.Code, want, w.Body)
	}
	return w.Body.Bytes()
}

// cost is what one request has cost by Pebble's own counters.
type cost struct {
	items  int    // that it has returned
	seeks  uint64 // iterators placed, and keys looked up
	steps  uint64 // keys stepped to from there
	inner  uint64 // steps that Pebble made for those, over old versions too
	blocks int64
	disk   int64 // of these, from the disk
}

func (n *costNode) measure(c costCall) cost {
	n.t.Helper()
	before := n.store.Metrics()
	body := n.do(c)
	after := n.store.Metrics()
	return cost{
		items:  itemsOf(body),
		seeks:  after.Seeks - before.Seeks,
		steps:  after.Steps - before.Steps,
		inner:  after.InternalSteps - before.InternalSteps,
		blocks: after.BlocksRead - before.BlocksRead,
		disk:   after.BlockCacheMisses - before.BlockCacheMisses,
	}
}

// itemsOf counts what an answer returns of the store: a list's items, or one.
func itemsOf(body []byte) int {
	var list struct {
		Items   *[]json.RawMessage `json:"items"`
		OpenAPI string             `json:"openapi"`
		Status  string             `json:"status"`
	}
	if len(body) == 0 || json.Unmarshal(body, &list) != nil || list.OpenAPI != "" || list.Status != "" {
		return 0
	}
	if list.Items != nil {
		return len(*list.Items)
	}
	return 1
}
