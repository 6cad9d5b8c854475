package realtime

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/klatch-chat/klatch/engine/client"
)

const asyncapiFile = "../../docs/asyncapi.yaml"

func readAsyncAPI(t *testing.T) fields {
	t.Helper()
	b, err := os.ReadFile(asyncapiFile)
	if err != nil {
		t.Fatal(err)
	}
	var doc fields
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func dig(v any, path ...string) fields {
	for _, p := range path {
		v = v.(fields)[p]
	}
	return v.(fields)
}

// TestAsyncAPITypes: the document has exactly the types that the code accepts
// and sends, and its parts refer to each other.
func TestAsyncAPITypes(t *testing.T) {
	doc := readAsyncAPI(t)
	messages := dig(doc, "components", "messages")
	if got, want := typesOf(messages, "client."), slices.Sorted(maps.Keys(commands)); !slices.Equal(got, want) {
		t.Errorf("from the client the document has %q, the code %q", got, want)
	}
	if got, want := typesOf(messages, "server."), serverTypes(t); !slices.Equal(got, want) {
		t.Errorf("from the server the document has %q, the code %q", got, want)
	}
	if in := dig(doc, "channels", "session", "messages"); !slices.Equal(slices.Sorted(maps.Keys(in)), slices.Sorted(maps.Keys(messages))) {
		t.Error("the channel and the components have different messages")
	}
	for key, m := range messages {
		if name := m.(fields)["name"]; "."+name.(string) != key[strings.IndexByte(key, '.'):] {
			t.Errorf("%s has the name %s", key, name)
		}
	}
	for _, ref := range refs(doc) {
		if !resolves(doc, ref) {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	for _, code := range []int{1000, 1001, 4001, 4002, 4008, 4009, 4029} {
		if !strings.Contains(dig(doc, "info")["description"].(string), fmt.Sprintf("| %d |", code)) {
			t.Errorf("close code %d is not described", code)
		}
	}
}

func typesOf(messages fields, prefix string) (types []string) {
	for key := range messages {
		if t, ok := strings.CutPrefix(key, prefix); ok {
			types = append(types, t)
		}
	}
	slices.Sort(types)
	return types
}

// serverTypes finds in the source every literal that a frame's Type is given.
func serverTypes(t *testing.T) []string {
	types := map[string]bool{typeAck: true, typeError: true, typePong: true}
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of the engine: %v", err)
	}
	notices := map[string]bool{}
	for _, pass := range []func(ast.Node){
		func(n ast.Node) { noticeStruct(n, notices) },
		func(n ast.Node) { noticeLiteral(n, notices, types) },
	} {
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool { pass(n); return true })
		}
	}
	return slices.Sorted(maps.Keys(types))
}

// noticeStruct notes the structs whose first field is Type, named "type" on the wire.
func noticeStruct(n ast.Node, notices map[string]bool) {
	spec, ok := n.(*ast.TypeSpec)
	if !ok {
		return
	}
	s, ok := spec.Type.(*ast.StructType)
	if !ok || len(s.Fields.List) == 0 {
		return
	}
	first := s.Fields.List[0]
	if len(first.Names) == 1 && first.Names[0].Name == "Type" && first.Tag != nil && first.Tag.Value == "`json:\"type\"`" {
		notices[spec.Name.Name] = true
	}
}

// noticeLiteral notes the type that a composite literal of a notice has.
func noticeLiteral(n ast.Node, notices, types map[string]bool) {
	lit, ok := n.(*ast.CompositeLit)
	if !ok || len(lit.Elts) == 0 {
		return
	}
	name, ok := lit.Type.(*ast.Ident)
	if !ok || !notices[name.Name] {
		return
	}
	first := lit.Elts[0]
	if kv, ok := first.(*ast.KeyValueExpr); ok {
		first = kv.Value
	}
	if text, ok := first.(*ast.BasicLit); ok {
		if s, err := strconv.Unquote(text.Value); err == nil {
			types[s] = true
		}
	}
}

func refs(v any) (all []string) {
	switch v := v.(type) {
	case fields:
		for k, x := range v {
			if s, ok := x.(string); ok && k == "$ref" {
				all = append(all, s)
			}
			all = append(all, refs(x)...)
		}
	case []any:
		for _, x := range v {
			all = append(all, refs(x)...)
		}
	}
	return all
}

func resolves(doc fields, ref string) bool {
	var at any = doc
	for p := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := at.(fields)
		if !ok || m[p] == nil {
			return false
		}
		at = m[p]
	}
	return true
}

// TestAsyncAPILive: every frame of a live session is valid by the document, has
// no field that the document lacks, and every message of the document has been seen.
func TestAsyncAPILive(t *testing.T) {
	doc := readAsyncAPI(t)
	closeSchemas(doc["components"])
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("asyncapi.json", doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	check := func(key string, f fields) {
		seen[key] = true
		s, err := compiler.Compile("asyncapi.json#/components/messages/" + key + "/payload")
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if err := s.Validate(f); err != nil {
			t.Errorf("%s %v: %v", key, f, err)
		}
	}
	for _, format := range []client.Format{client.JSON, client.CBOR} {
		sent, got := contract(t, format)
		for _, f := range sent {
			check("client."+f["type"].(string), f)
		}
		for _, f := range got {
			check("server."+f["type"].(string), f)
		}
	}
	for key := range dig(doc, "components", "messages") {
		if !seen[key] {
			t.Errorf("the session had no %s", key)
		}
	}
}

// closeSchemas lets no object have more than its properties.
func closeSchemas(v any) {
	switch v := v.(type) {
	case fields:
		if _, ok := v["properties"]; ok {
			v["additionalProperties"] = false
		}
		for _, x := range v {
			closeSchemas(x)
		}
	case []any:
		for _, x := range v {
			closeSchemas(x)
		}
	}
}
