package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// No query looks at what it does not return. A store is filled, a node opened on
// it, and each operation of the API called in the ways that differ, past the cache
// of answers. What one call costs are the differences of Pebble's counters:
// twice, first right after the store was opened, then again, when the store's
// cache has the records (users, rooms, roles, unread counts) that it needs.
//
// A GET may step over two keys for each item that it returns and costEdges
// beside. Where one may do more its row says how much, and what for. A page costs
// the same anywhere in a room, and as much in a small store as in a large one.
// The operations are those of the OpenAPI document: one without a row fails.
var (
	costRooms    = flag.Int("queries.rooms", 20, "rooms in the store of TestQueryCosts")
	costMessages = flag.Int("queries.messages", 0, "messages in them; 0: enough for a short test")
	costReport   = flag.String("queries.report", "", "write the table of TestQueryCosts to this file, in Markdown")
)

const (
	costPerItem = 2
	costEdges   = 8 // the keys at a page's ends, the parts of the message beyond it
	// costDrift is how far apart two pages may be that cost the same: messages
	// with an edit or a reaction at the edges.
	costDrift = 6
	// costRepeats is after how many requests the cache must have the records that
	// one needs; they come into it a moment after they were read.
	costRepeats = 12
)

// The short test compares stores of these sizes, the long one the first with what it is told to fill.
var (
	costSmall = costSize{rooms: 10, messages: 2_000, members: 1_200}
	costLarge = costSize{rooms: 20, messages: 4_000, members: 2_000}
)

func TestQueryCosts(t *testing.T) {
	size, disk := costLarge, costDisk{fs: vfs.NewMem(), memory: "8MiB", dir: "data"}
	if *costMessages > 0 {
		size = costSize{rooms: *costRooms, messages: *costMessages, members: 10_000}
		disk = costDisk{fs: vfs.Default, memory: "256MiB", dir: t.TempDir()}
	}
	if size.messages/size.rooms < 200 || size.rooms < 10 {
		t.Fatal("give at least 10 rooms and 200 messages a room")
	}
	small := newCostWorld(t, costDisk{fs: vfs.NewMem(), memory: "8MiB", dir: "data"}, costSmall)
	start := time.Now()
	w := newCostWorld(t, disk, size)
	t.Logf("filled with %d messages in %s", w.posts, time.Since(start).Round(time.Millisecond))
	table := w.measureAll(t, w.gets())
	table.holds(t)
	table.comparePages(t)
	table.compareSizes(t, small.measureAll(t, alike(small.gets())))
	writes := w.measureAll(t, w.writes())
	writes.holds(t)
	table = append(table, writes...)
	table.coverAll(t, w)
	report := table.markdown(w)
	t.Log("\n" + report)
	if *costReport != "" {
		if err := os.WriteFile(*costReport, []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// costTable is what everything costs.
type costTable []costResult

type costResult struct {
	*costRow
	call       costCall
	cold, warm cost
}

func (w *costWorld) measureAll(t *testing.T, rows []costRow) (table costTable) {
	t.Helper()
	for _, r := range rows {
		table = append(table, w.measure(t, r))
	}
	return table
}

// alike are the pages of 50 that cost the same in any store; unread counts have
// their own bound, and grow up to it.
func alike(rows []costRow) []costRow {
	return slices.DeleteFunc(rows, func(r costRow) bool { return r.first > 0 || !strings.Contains(r.what, "limit 50") })
}

// measure has a node that was just opened answer a row, until it can do so from
// what it has kept.
func (w *costWorld) measure(t *testing.T, r costRow) costResult {
	t.Helper()
	n := w.disk.open(t)
	defer n.shut()
	call := r.ask(n, 0)
	n.rest(2)
	out := costResult{costRow: &r, call: call, cold: n.measure(call)}
	out.items(t, out.cold)
	for i := range costRepeats {
		n.rest(2)
		call := r.ask(n, i+1)
		n.rest(2)
		before := out.warm.seeks
		out.warm = n.measure(call)
		if i > 1 && out.warm.seeks == before && out.warm.steps <= out.allowed(out.warm, false) {
			break
		}
	}
	return out
}

// items fails where there is nothing to return: that would cost nothing.
func (r *costResult) items(t *testing.T, c cost) {
	t.Helper()
	if want := r.limit(); want > 0 && c.items != want {
		t.Errorf("%s: %d items, want %d", r.name(), c.items, want)
	}
}

// limit is how many items a request asks for, 0 if it does not say.
func (r *costResult) limit() (n int) {
	_, query, _ := strings.Cut(r.call.path, "limit=")
	_, _ = fmt.Sscanf(query, "%d", &n)
	return n
}

// allowed is how many keys a call may step over.
func (r *costResult) allowed(c cost, cold bool) uint64 {
	n := costPerItem*c.items + costEdges + r.always
	if cold {
		n += r.first
	}
	return uint64(n)
}

// holds fails for each row that steps over more than it may.
func (table costTable) holds(t *testing.T) {
	t.Helper()
	for i := range table {
		r := &table[i]
		for _, c := range []struct {
			when string
			cost
			allowed uint64
		}{{"cold", r.cold, r.allowed(r.cold, true)}, {"warm", r.warm, r.allowed(r.warm, false)}} {
			if c.steps > c.allowed {
				t.Errorf("%s, %s: %d keys stepped for %d items, at most %d are allowed", r.name(), c.when, c.steps, c.items, c.allowed)
			}
			if c.inner > c.steps+c.seeks+costEdges {
				t.Errorf("%s, %s: Pebble made %d steps for %d with %d seeks: it passes over old versions", r.name(), c.when, c.inner, c.steps, c.seeks)
			}
		}
	}
}

// comparePages: a page costs the same, wherever it is.
func (table costTable) comparePages(t *testing.T) {
	t.Helper()
	newest := map[string]*costResult{}
	for i := range table {
		r := &table[i]
		if r.page == "" {
			continue
		}
		if newest[r.page] == nil {
			newest[r.page] = r
			continue
		}
		r.like(t, newest[r.page], costDrift)
	}
}

// compareSizes: what is read costs the same in a store with fewer messages.
func (table costTable) compareSizes(t *testing.T, small costTable) {
	t.Helper()
	for i := range small {
		same := slices.IndexFunc(table, func(r costResult) bool { return r.name() == small[i].name() })
		table[same].like(t, &small[i], costDrift)
	}
}

func (r *costResult) like(t *testing.T, other *costResult, drift uint64) {
	t.Helper()
	if r.cold.items != other.cold.items {
		t.Errorf("%s: %d items, and %d in the other, %s", r.name(), r.cold.items, other.cold.items, other.name())
	}
	for _, c := range []struct {
		what string
		a, b uint64
	}{
		{"steps", r.cold.steps, other.cold.steps}, {"inner steps", r.cold.inner, other.cold.inner},
		{"warm steps", r.warm.steps, other.warm.steps}, {"warm seeks", r.warm.seeks, other.warm.seeks},
	} {
		if max(c.a, c.b)-min(c.a, c.b) > drift {
			t.Errorf("%s: %d %s, and %d in the other, %s", r.name(), c.a, c.what, c.b, other.name())
		}
	}
}

// coverAll fails for each operation of the API that has no row, and each row
// that calls another operation than it says.
func (table costTable) coverAll(t *testing.T, w *costWorld) {
	t.Helper()
	ops := w.operations(t)
	for i := range table {
		r := &table[i]
		where, ok := ops[r.op]
		if !ok {
			t.Errorf("%s: there is no such operation", r.name())
			continue
		}
		where.seen = true
		if !where.matches(r.call) {
			t.Errorf("%s: %s %s is not %s %s", r.name(), r.call.method, r.call.path, where.method, where.path)
		}
	}
	for op, where := range ops {
		if !where.seen {
			t.Errorf("%s (%s %s) has no row: say what it costs", op, where.method, where.path)
		}
	}
}

// costOperation is one of the OpenAPI document's.
type costOperation struct {
	method, path string
	seen         bool
}

func (w *costWorld) operations(t *testing.T) map[string]*costOperation {
	t.Helper()
	n := w.disk.open(t)
	defer n.shut()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	n.decode(costCall{method: "GET", path: "/openapi.json"}, &document)
	ops := map[string]*costOperation{}
	for path, item := range document.Paths {
		if item["servers"] != nil {
			path = "/" + path
		}
		for method, text := range item {
			var o struct{ OperationID string }
			if method == "servers" || method == "parameters" {
				continue
			}
			if err := json.Unmarshal(text, &o); err != nil || o.OperationID == "" {
				t.Fatalf("%s %s: %v %s", method, path, err, text)
			}
			ops[o.OperationID] = &costOperation{method: strings.ToUpper(method), path: path}
		}
	}
	if len(ops) < 25 {
		t.Fatalf("only %d operations: %v", len(ops), ops)
	}
	return ops
}

// matches reports whether a call is one of the operation.
func (o *costOperation) matches(c costCall) bool {
	path, _, _ := strings.Cut(c.path, "?")
	given, want := strings.Split(path, "/"), strings.Split(o.path, "/")
	if c.method != o.method || len(given) != len(want) {
		return false
	}
	for i := range want {
		if want[i] != given[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

func (n *costNode) decode(c costCall, into any) {
	n.t.Helper()
	body := n.do(c)
	if err := json.Unmarshal(body, into); err != nil {
		n.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
}
