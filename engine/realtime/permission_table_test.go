package realtime

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine/api"
)

const permissionPage = "../../docs/permissions.md"

// callers are the columns of the permission table.
var callers = []string{"nobody", "stranger", "member", "moderator", "owner", "administrator", "bot", "banned", "revoked", "operator"}

// roomKinds are the parts of a cell that has more than one.
var roomKinds = []string{"public", "private", "direct"}

// nobodyThere is a cell's part where there is no such caller.
const nobodyThere = "–"

// permission is a row of the table: a call, and what each caller is answered.
type permission struct {
	method, target string // "GET", "/api/v1/me"; or "", "post" for a type of frame
	variant        string // what is special about the call, where a call has several rows
	cells          map[string][]string
}

func (p permission) String() string { return strings.TrimSpace(p.name() + " " + p.variant) }

// name is that of a route, or a type of frame.
func (p permission) name() string { return strings.TrimSpace(p.method + " " + p.target) }

// inRoom reports whether the call is about a room or what is in one.
func (p permission) inRoom() bool {
	if p.method == "" {
		return !slices.Contains([]string{typeHello, typePresence, typePing}, p.target)
	}
	return strings.Contains(p.target, "{room}") || strings.Contains(p.target, "/messages/{id}")
}

var tableCall = regexp.MustCompile("^`(?:([A-Z]+) )?([^` ]+)`(?: (.+))?$")

// readPermissions reads the table of the page: what people read is what is tested.
func readPermissions(t *testing.T) (table []permission) {
	t.Helper()
	page, err := os.ReadFile(permissionPage)
	if err != nil {
		t.Fatal(err)
	}
	var head []string
	for line := range strings.Lines(string(page)) {
		cells := tableCells(line)
		switch {
		case len(cells) == 0:
			head = nil
		case cells[0] == "call":
			head = cells[1:]
			if !slices.Equal(head, callers) {
				t.Fatalf("the table's columns are %q, not %q", head, callers)
			}
		case head != nil && !strings.HasPrefix(cells[0], "-"):
			table = append(table, readPermission(t, cells))
		}
	}
	return table
}

// tableCells splits a line of a Markdown table; nil for any other line.
func tableCells(line string) (cells []string) {
	inner, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !isRow {
		return nil
	}
	for cell := range strings.SplitSeq(strings.TrimSuffix(inner, "|"), "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	return cells
}

func readPermission(t *testing.T, cells []string) permission {
	t.Helper()
	m := tableCall.FindStringSubmatch(cells[0])
	if m == nil || len(cells) != len(callers)+1 {
		t.Fatalf("not a row of the table: %q", cells)
	}
	p := permission{method: m[1], target: m[2], variant: m[3], cells: map[string][]string{}}
	for i, who := range callers {
		parts, err := p.parts(cells[i+1])
		if err != nil {
			t.Errorf("%s as %s: %v", p, who, err)
		}
		p.cells[who] = parts
	}
	return p
}

// parts splits a cell: one for each kind of room, or one where there is no room.
func (p permission) parts(cell string) ([]string, error) {
	parts := strings.Split(cell, "/")
	switch {
	case slices.Contains(parts, ""):
		return nil, fmt.Errorf("the cell %q has an empty part", cell)
	case !p.inRoom() && len(parts) == 1, len(parts) == len(roomKinds):
		return parts, nil
	case len(parts) == 1:
		return []string{cell, cell, cell}, nil
	}
	return nil, fmt.Errorf("the cell %q has %d parts", cell, len(parts))
}

// mayBeNobody reports whether there is no such caller for the call, in a kind of room.
func (p permission) mayBeNobody(who, kind string) bool {
	if who == "operator" {
		return p.method == "" // the control socket has no sessions
	}
	return kind == "direct" && (who == "moderator" || who == "owner")
}

// everyCall are the names of all routes, each with the statuses that it is documented
// with, and of all types of frames.
func everyCall(t *testing.T) map[string]map[string]bool {
	t.Helper()
	document, err := api.OpenAPI("test")
	noError(t, err)
	var described struct {
		Paths map[string]map[string]json.RawMessage
	}
	noError(t, json.Unmarshal(document, &described))
	calls := map[string]map[string]bool{}
	for path, operations := range described.Paths {
		base := "/api/v1"
		if _, atRoot := operations["servers"]; atRoot {
			base = ""
			delete(operations, "servers")
		}
		for method, operation := range operations {
			calls[strings.ToUpper(method)+" "+base+path] = statusesOf(t, operation)
		}
	}
	for kind := range commands {
		calls[kind] = nil
	}
	return calls
}

func statusesOf(t *testing.T, operation json.RawMessage) map[string]bool {
	t.Helper()
	var described struct{ Responses map[string]json.RawMessage }
	noError(t, json.Unmarshal(operation, &described))
	statuses := map[string]bool{}
	for status := range described.Responses {
		statuses[status] = true
	}
	return statuses
}

// TestI9PermissionTableIsWhole: every route and every type of frame has its row,
// every row is one of these, none stands there twice, and each outcome is a documented one.
func TestI9PermissionTableIsWhole(t *testing.T) {
	table, calls := readPermissions(t), everyCall(t)
	seen, rows := map[string]bool{}, map[string]bool{}
	for _, p := range table {
		statuses, known := calls[p.name()]
		if !known {
			t.Errorf("%s has a row, but there is no such call", p)
		}
		if rows[p.String()] {
			t.Errorf("%s has two rows", p)
		}
		seen[p.name()], rows[p.String()] = true, true
		p.checkCells(t, statuses)
	}
	for name := range calls {
		if !seen[name] {
			t.Errorf("%s has no row in %s", name, permissionPage)
		}
	}
}

// checkCells holds a row's cells to what may stand there; statuses are those that a route is documented with.
func (p permission) checkCells(t *testing.T, statuses map[string]bool) {
	t.Helper()
	for who, parts := range p.cells {
		notServed := who == "operator" && !strings.Contains(p.target, "/admin/")
		for i, part := range parts {
			switch {
			case part == nobodyThere:
				if !p.mayBeNobody(who, roomKinds[i]) {
					t.Errorf("%s as %s in a %s room is not told", p, who, roomKinds[i])
				}
			case p.method != "" && !notServed && !statuses[part]:
				t.Errorf("%s as %s answers %s, which is not in the OpenAPI document", p, who, part)
			}
		}
	}
}
