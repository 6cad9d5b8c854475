package klatch_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/klatch-chat/klatch"

// A room of the house is a directory with all packages below it, except that
// each of the engine's sub-packages is a room of its own.
type room struct {
	dir    string
	may    []string // rooms it may import
	std    bool     // outside our module: the standard library and golang.org/x alone
	reason string
}

var star = []room{
	{dir: "engine", std: true,
		reason: "the engine is the chat itself: it stands on the standard library and golang.org/x alone, so that it can be embedded, tested and read without any technology"},
	{dir: "engine/socket", may: []string{"engine"},
		reason: "a socket carries any protocol: it knows none of them"},
	{dir: "engine/realtime", may: []string{"engine", "engine/socket", "engine/socketio"},
		reason: "realtime is klatch's own protocol, over bare sockets and over Socket.IO, which carry it; it knows no disk and no other protocol"},
	{dir: "engine/socketio", may: []string{"engine", "engine/socket"},
		reason: "Socket.IO is a library of its own: it carries any protocol and knows none of them"},
	{dir: "engine/api", may: []string{"engine"},
		reason: "REST needs no socket and no disk: what else it serves, cli hands to it"},
	{dir: "engine/client",
		reason: "the client sees only the wire: what it needs from the server's insides is missing from the protocol"},
	{dir: "storage", may: []string{"engine"},
		reason: "the disk serves the engine's Store contract and knows nobody else"},
	{dir: "cluster", may: []string{"engine", "engine/socket"},
		reason: "the cluster serves the engine's Peers contract; its links borrow the socket's outbox and nothing else"},
	{dir: "bench", may: []string{"engine/client"},
		reason: "bench drives any server through public protocols: seeing our insides would make it unfair"},
	{dir: "web",
		reason: "web is the built page: it knows the server by its address only"},
	{dir: "web/browsertest",
		reason: "a browser is driven from tests alone, and sees only the page: none of ours imports the driver, which would put it into the binary, and it imports none"},
	{dir: "cli", may: []string{"engine", "engine/socket", "engine/realtime", "engine/socketio", "engine/api", "engine/client", "storage", "cluster", "bench", "web"},
		reason: "cli wires all parts; nobody imports it"},
}

var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "model", "models"}

// graph maps the import path of each of our packages to what its non-test files import.
type graph map[string][]string

// violations returns a sentence for each import and name that breaks the star.
func violations(g graph) []string {
	var out []string
	for pkg, imports := range g {
		if slices.Contains(vagueNames, path.Base(pkg)) {
			out = append(out, fmt.Sprintf("%s: the name says nothing: name a package after the noun it holds", pkg))
		}
		home, ok := roomOf(pkg)
		if !ok {
			out = append(out, fmt.Sprintf("%s has no place in the star: put it into a room, or give it one in this test with a reason", pkg))
			continue
		}
		for _, imported := range imports {
			if !home.mayImport(imported) {
				out = append(out, fmt.Sprintf("%s imports %s: %s", pkg, imported, home.reason))
			}
		}
	}
	sort.Strings(out)
	return out
}

func (r room) mayImport(imported string) bool {
	if !ours(imported) {
		return !r.std || standard(imported)
	}
	target, ok := roomOf(imported)
	return ok && (target.dir == r.dir || slices.Contains(r.may, target.dir))
}

// roomOf returns the innermost room that a package of ours is in.
func roomOf(pkg string) (found room, ok bool) {
	rel := strings.TrimPrefix(pkg, module+"/")
	for _, r := range star {
		inside := rel == r.dir || strings.HasPrefix(rel, r.dir+"/")
		if inside && len(r.dir) > len(found.dir) {
			found, ok = r, true
		}
	}
	// A new directory under engine is a new room, not more of the engine.
	if found.dir == "engine" && rel != "engine" && !strings.HasPrefix(rel, "engine/internal") {
		return room{}, false
	}
	return found, ok
}

func ours(imported string) bool {
	return imported == module || strings.HasPrefix(imported, module+"/")
}

func standard(imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(host, ".") || strings.HasPrefix(imported, "golang.org/x/")
}

func TestStar(t *testing.T) {
	g := readImports(t, ".")
	if len(g) == 0 {
		t.Fatal("found no packages: the star was not checked")
	}
	for _, v := range violations(g) {
		t.Error(v)
	}
}

// readImports parses every non-test file below dir, also those of other
// systems and build tags, which go list would leave out.
func readImports(t *testing.T, dir string) graph {
	t.Helper()
	g := graph{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(d.Name())
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		return g.addFile(file)
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func skipDir(name string) error {
	hidden := name != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"))
	if hidden || name == "testdata" || name == "node_modules" {
		return filepath.SkipDir
	}
	return nil
}

func (g graph) addFile(file string) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	pkg := path.Join(module, filepath.ToSlash(filepath.Dir(file)))
	g[pkg] = slices.Grow(g[pkg], len(f.Imports))
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if !slices.Contains(g[pkg], imported) {
			g[pkg] = append(g[pkg], imported)
		}
	}
	return nil
}

// TestStarBreaks shows the checker made-up houses, good and bad.
func TestStarBreaks(t *testing.T) {
	for _, c := range []struct {
		name, pkg, imports string
		want               string // part of the complaint; empty for none
	}{
		{"engine on std", "engine", "encoding/json", ""},
		{"engine on x", "engine", "golang.org/x/time/rate", ""},
		{"engine on a library", "engine", "github.com/lxzan/gws", "embedded"},
		{"engine on storage", "engine", module + "/storage", "embedded"},
		{"engine on its own sub-package", "engine", module + "/engine/socket", "embedded"},
		{"storage on engine", "storage", module + "/engine", ""},
		{"storage on a library", "storage", "github.com/cockroachdb/pebble/v2", ""},
		{"storage on its own", "storage", module + "/storage/keys", ""},
		{"storage sideways", "storage", module + "/cluster", "Store contract"},
		{"storage on a part of the engine", "storage", module + "/engine/api", "Store contract"},
		{"socket on a protocol", "engine/socket", module + "/engine/realtime", "knows none"},
		{"realtime on socket", "engine/realtime", module + "/engine/socket", ""},
		{"realtime on what carries it", "engine/realtime", module + "/engine/socketio/engineio", ""},
		{"realtime sideways", "engine/realtime", module + "/engine/api", "no other protocol"},
		{"realtime on storage", "engine/realtime", module + "/storage", "no other protocol"},
		{"socketio on what it carries", "engine/socketio", module + "/engine/realtime", "library of its own"},
		{"api sideways", "engine/api", module + "/engine/realtime", "hands to it"},
		{"client on engine", "engine/client", module + "/engine", "only the wire"},
		{"cluster on socket", "cluster", module + "/engine/socket", ""},
		{"cluster on storage", "cluster", module + "/storage", "Peers contract"},
		{"bench on client", "bench", module + "/engine/client", ""},
		{"peers on bench", "bench/peers", module + "/bench", ""},
		{"bench on engine", "bench", module + "/engine", "public protocols"},
		{"web on anything", "web", module + "/engine", "built page"},
		{"the driver on a library", "web/browsertest", "github.com/chromedp/chromedp", ""},
		{"the driver on the page", "web/browsertest", module + "/web", "tests alone"},
		{"the driver on the engine", "web/browsertest", module + "/engine", "tests alone"},
		{"web on the driver", "web", module + "/web/browsertest", "built page"},
		{"cli on the driver", "cli", module + "/web/browsertest", "wires"},
		{"cli on all", "cli", module + "/cluster", ""},
		{"main on cli", "cli/klatch", module + "/cli", ""},
		{"api on cli", "engine/api", module + "/cli", "hands to it"},
		{"cluster on cli", "cluster", module + "/cli", "Peers contract"},
		{"cli on the unknown", "cli", module + "/attic", "wires"},
		{"a new room", "attic", "fmt", "no place in the star"},
		{"a new room in the engine", "engine/attic", "fmt", "no place in the star"},
		{"the root", "", "fmt", "no place in the star"},
		{"a vague name", "storage/util", "fmt", "says nothing"},
		{"another", "cli/helpers", "fmt", "says nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := violations(graph{path.Join(module, c.pkg): {c.imports}})
			if c.want == "" && len(got) != 0 {
				t.Fatalf("complained: %q", got)
			}
			if c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Fatalf("complaint %q does not hold %q", got, c.want)
			}
		})
	}
}
