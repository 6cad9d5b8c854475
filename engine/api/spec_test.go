package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write docs/openapi.json")

// document is the OpenAPI document with compiled schemas. Its objects are closed here,
// so that a field which is answered but not documented is found.
type document struct {
	root     object
	compiler *jsonschema.Compiler
	mu       sync.Mutex
	schemas  map[string]*jsonschema.Schema
}

var loadDocument = sync.OnceValue(func() *document {
	b, err := OpenAPI("test")
	if err != nil {
		panic(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	d := &document{root: v.(object), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	for _, s := range d.at("components", "schemas") {
		if s := s.(object); s["properties"] != nil {
			s["additionalProperties"] = false
		}
	}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("https://klatch.test/openapi.json", d.root); err != nil {
		panic(err)
	}
	return d
})

// at walks to an object by names, through references; nil if there is none.
func (d *document) at(names ...string) object {
	o := d.root
	for _, n := range names {
		next, _ := o[n].(object)
		if r, ok := next["$ref"].(string); ok {
			next = d.at(strings.Split(strings.TrimPrefix(r, "#/"), "/")...)
		}
		o = next
	}
	return o
}

// schema returns what compiles a schema object of the document, known by its JSON text.
func (d *document) schema(o object) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if s, ok := d.schemas[string(text)]; ok {
		return s, nil
	}
	absolute := bytes.ReplaceAll(text, []byte(`"#/components`), []byte(`"https://klatch.test/openapi.json#/components`))
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(absolute))
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("https://klatch.test/%d.json", len(d.schemas))
	if err := d.compiler.AddResource(name, v); err != nil {
		return nil, err
	}
	d.schemas[string(text)], err = d.compiler.Compile(name)
	return d.schemas[string(text)], err
}

func (d *document) validate(schema object, body []byte) error {
	s, err := d.schema(schema)
	if err != nil {
		return fmt.Errorf("compile schema: %w", err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// find returns the path of the document that a request's path belongs to: the one with the most literal names.
func (d *document) find(method, path string) (template string) {
	best := -1
	if method != strings.ToUpper(method) {
		return "" // methods are as they are written
	}
	for t := range d.at("paths") {
		full := basePath + t
		if d.at("paths", t)["servers"] != nil {
			full = t
		}
		if literal, ok := matches(full, path); ok && literal > best && d.at("paths", t, strings.ToLower(method)) != nil {
			template, best = t, literal
		}
	}
	return template
}

func matches(template, path string) (literal int, ok bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return 0, false
	}
	for i := range want {
		switch {
		case want[i] == got[i]:
			literal++
		case !strings.HasPrefix(want[i], "{") || got[i] == "":
			return 0, false
		}
	}
	return literal, true
}

// check holds an answer against the document.
func (n *node) check(a *response, sent []byte) {
	a.t.Helper()
	d := loadDocument()
	method := a.Request.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	template := d.find(method, a.Request.URL.EscapedPath())
	if template == "" {
		return
	}
	if err := d.conforms(a, template, strings.ToLower(method), sent); err != nil {
		a.t.Errorf("not as documented: %s: %v", a, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	id, _ := d.at("paths", template, strings.ToLower(method))["operationId"].(string)
	n.seen[id+" "+strconv.Itoa(a.StatusCode)] = true
}

func (d *document) conforms(a *response, template, method string, sent []byte) error {
	op := []string{"paths", template, method}
	res := d.at(append(op, "responses", strconv.Itoa(a.StatusCode))...)
	if res == nil {
		return fmt.Errorf("the status is not documented")
	}
	if err := d.headersConform(a, append(op, "responses", strconv.Itoa(a.StatusCode), "headers")); err != nil {
		return err
	}
	if err := d.bodyConforms(a, res); err != nil {
		return err
	}
	if request := d.at(append(op, "requestBody", "content", "application/json", "schema")...); request != nil && a.StatusCode < 300 && len(sent) > 0 {
		if err := d.validate(request, sent); err != nil {
			return fmt.Errorf("a request that is taken is not documented: %w", err)
		}
	}
	return nil
}

func (d *document) headersConform(a *response, at []string) error {
	for name := range d.at(at...) {
		documented, value := d.at(append(at, name)...), a.Header.Get(name)
		if value == "" && documented["required"] == true {
			return fmt.Errorf("the header %s is missing", name)
		}
		if value == "" {
			continue
		}
		text, err := json.Marshal(value)
		if err == nil {
			err = d.validate(documented["schema"].(object), text)
		}
		if err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	return nil
}

func (d *document) bodyConforms(a *response, res object) error {
	content, _ := res["content"].(object)
	if content == nil || a.Request.Method == http.MethodHead {
		if len(a.body) > 0 {
			return fmt.Errorf("there should be no body")
		}
		return nil
	}
	media, _ := content[a.Header.Get("Content-Type")].(object)
	if media == nil {
		return fmt.Errorf("content type %q is not documented", a.Header.Get("Content-Type"))
	}
	return d.validate(media["schema"].(object), a.body)
}

func TestDocumentHasEveryRoute(t *testing.T) {
	d := loadDocument()
	ids := map[string]bool{}
	for _, rt := range routes {
		op := d.at("paths", rt.path, strings.ToLower(rt.method))
		if op == nil || op["operationId"] != rt.id {
			t.Errorf("%s %s is not documented as %s", rt.method, rt.path, rt.id)
		}
		if ids[rt.id] {
			t.Errorf("two operations are called %s", rt.id)
		}
		ids[rt.id] = true
	}
}

func TestServerHasEveryDocumentedOperation(t *testing.T) {
	n := newNode(t, nil)
	d := loadDocument()
	known := []string{"get", "post", "put", "patch", "delete"}
	for template, item := range d.at("paths") {
		for method := range item.(object) {
			if !slices.Contains(known, method) {
				continue
			}
			prefix := basePath
			if d.at("paths", template)["servers"] != nil {
				prefix = ""
			}
			path := prefix + strings.NewReplacer("{", "", "}", "").Replace(template)
			a := n.anonymous(t).raw(strings.ToUpper(method), path, nil)
			if a.StatusCode == http.StatusNotFound || a.StatusCode == http.StatusMethodNotAllowed {
				t.Errorf("documented, but the server does not know it: %s", a)
			}
		}
	}
}

// TestDocumentReferences follows every reference and finds no component that nothing uses.
func TestDocumentReferences(t *testing.T) {
	d := loadDocument()
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case object:
			if r, ok := v["$ref"].(string); ok {
				used[r] = true
				if d.at(strings.Split(strings.TrimPrefix(r, "#/"), "/")...) == nil {
					t.Errorf("%s refers to nothing", r)
				}
			}
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(d.root)
	for _, kind := range []string{"schemas", "parameters", "headers", "responses"} {
		for name := range d.at("components", kind) {
			if r := "#/components/" + kind + "/" + name; !used[r] && name != strconv.Itoa(http.StatusMethodNotAllowed) {
				t.Errorf("nothing uses %s", r)
			}
		}
	}
}

// TestRequestsAsDocumented compares the fields of requests with those that the server reads.
func TestRequestsAsDocumented(t *testing.T) {
	d := loadDocument()
	read := map[string]any{
		"Registration": registration{}, "Login": login{}, "NewInvite": newInvite{}, "ProfileChange": profileChange{},
		"NewRoom": newRoom{}, "RoomChange": roomChange{}, "DirectRoom": directRoom{}, "MemberRole": memberRole{},
		"NewMessage": newMessage{}, "MessageChange": messageChange{}, "ReadMark": readMark{},
		"NewAccount": newAccount{}, "AccountChange": accountChange{}, "NewToken": newToken{}, "NewAdminRoom": newAdminRoom{}, "AdminRoomChange": adminRoomChange{},
		"Purge": purgeRequest{}, "NewInvitation": newInvitation{}, "NewBan": newBan{},
	}
	for _, rt := range routes {
		if rt.body == "" {
			continue
		}
		var want, got []string
		for name := range d.at("components", "schemas", rt.body, "properties") {
			want = append(want, name)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(read[rt.body])) {
			got = append(got, f.Tag.Get("json"))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s: documented %q, read %q", rt.body, want, got)
		}
	}
}

// TestDocsRestateDocument keeps docs/openapi.json; run with -update after a change of the routes.
func TestDocsRestateDocument(t *testing.T) {
	const path = "../../docs/openapi.json"
	want, err := OpenAPI("1")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: go test ./engine/api -run Restate -update", path)
	}
}

func TestDocumentIsServed(t *testing.T) {
	a := newNode(t, nil).anonymous(t).do("GET", "/openapi.json", nil).want(200)
	want, err := OpenAPI("test")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.body, want) {
		t.Error("the document served is not the one made from the routes")
	}
	if got := a.Header.Get("Cache-Control"); got != "public, max-age=300" {
		t.Errorf("Cache-Control: %s", got)
	}
}

// escape is for a path segment.
func escape(s string) string { return url.PathEscape(s) }
