package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const referenceHead = `# REST reference

<!-- Generated from the route table by make docs. -->

All paths are below ` + "`" + basePath + "`" + `, but those marked "at the root". The same as OpenAPI 3.1: [openapi.json](openapi.json), served at ` + "`" + basePath + "/openapi.json`" + `. What is below is for people.

`

// TestReferenceIsGenerated keeps docs/api.md; run with -update after a change of the routes.
func TestReferenceIsGenerated(t *testing.T) {
	const path = "../../docs/api.md"
	want, err := referencePage()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: make docs", path)
	}
}

func referencePage() (string, error) {
	var parts struct{ Schemas, Parameters map[string]schema }
	if err := json.Unmarshal(components, &parts); err != nil {
		return "", fmt.Errorf("read components: %w", err)
	}
	page := referenceHead + overview + "\n\n# Operations\n\n| method and path | what it does | query | body | answer | codes of errors |\n| --- | --- | --- | --- | --- | --- |\n"
	for _, rt := range routes {
		page += rt.row()
	}
	page += "\nNo token is needed for: " + strings.Join(open(), ", ") + ".\n\n# Parameters\n\n| name | where | meaning |\n| --- | --- | --- |\n"
	for _, name := range slices.Sorted(maps.Keys(parts.Parameters)) {
		p := parts.Parameters[name]
		page += fmt.Sprintf("| `%s` | %s | %s |\n", p.Name, p.In, inCell(p.Description))
	}
	page += "\n# Schemas\n"
	for _, name := range slices.Sorted(maps.Keys(parts.Schemas)) {
		page += parts.Schemas[name].section(name)
	}
	return page, nil
}

func (rt route) row() string {
	path, body, answer := "`"+rt.method+" "+rt.path+"`", "", strconv.Itoa(rt.status)
	if rt.root {
		path += " at the root"
	}
	if rt.body != "" {
		body = link(rt.body)
		if rt.bodyOptional {
			body += ", if any"
		}
	}
	if rt.result != "" {
		answer += " " + link(rt.result)
	}
	all := rt.codes()
	slices.Sort(all)
	var errors []string
	for _, c := range slices.Compact(all) {
		errors = append(errors, string(c))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", path, inCell(rt.summary), strings.Join(rt.query, ", "), body, answer, strings.Join(errors, ", "))
}

func open() (names []string) {
	for _, rt := range routes {
		if rt.anyone {
			names = append(names, "`"+rt.method+" "+rt.path+"`")
		}
	}
	return names
}

func link(name string) string { return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name)) }

func inCell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

// schema is what the page tells of a JSON Schema, or of a parameter.
type schema struct {
	Ref         string `json:"$ref"`
	Type        any
	Description string
	Name, In    string
	Enum        []any
	Const       any
	Minimum     *float64
	Maximum     *float64
	MinLength   *int
	MaxLength   *int
	MinItems    *int
	MaxItems    *int
	Pattern     string
	Items       *schema
	AnyOf       []schema
	OneOf       []schema
	Properties  map[string]schema
	Required    any // names of fields; of a parameter, whether
}

func (s schema) section(name string) string {
	text := fmt.Sprintf("\n## %s\n%s.", name, strings.TrimSuffix(s.Description, "."))
	if len(s.Properties) == 0 {
		return text + " " + capital(s.kind()) + ".\n"
	}
	text += "\n\n| field | | type | meaning |\n| --- | --- | --- | --- |\n"
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		p, presence := s.Properties[field], "optional"
		if s.requires(field) {
			presence = "always"
		}
		text += fmt.Sprintf("| `%s` | %s | %s | %s |\n", field, presence, inCell(p.kind()), inCell(p.Description))
	}
	return text
}

func (s schema) requires(field string) bool {
	names, _ := s.Required.([]any)
	return slices.Contains(names, any(field))
}

// kind says in words which values there are.
func (s schema) kind() string {
	switch {
	case s.Ref != "":
		return link(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
	case s.Const != nil:
		return fmt.Sprintf("`%s`", encode(s.Const))
	case len(s.Enum) > 0:
		return choices(s.Enum)
	case len(s.AnyOf) > 0, len(s.OneOf) > 0:
		var kinds []string
		for _, of := range append(s.AnyOf, s.OneOf...) {
			kinds = append(kinds, of.kind())
		}
		return strings.Join(kinds, " or ")
	case s.Items != nil:
		return "list of " + s.Items.kind() + s.bounds()
	}
	kind, _ := s.Type.(string)
	return kind + s.bounds()
}

func choices(values []any) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, fmt.Sprintf("`%v`", v))
	}
	return strings.Join(texts, ", ")
}

func (s schema) bounds() (text string) {
	for _, b := range []struct {
		words string
		value *int
	}{{"at least %d characters", s.MinLength}, {"at most %d characters", s.MaxLength}, {"at least %d", s.MinItems}, {"at most %d", s.MaxItems}} {
		if b.value != nil {
			text += ", " + fmt.Sprintf(b.words, *b.value)
		}
	}
	if s.Minimum != nil {
		text += fmt.Sprintf(", from %g", *s.Minimum)
	}
	if s.Maximum != nil {
		text += fmt.Sprintf(", up to %g", *s.Maximum)
	}
	if s.Pattern != "" {
		text += ", `" + s.Pattern + "`"
	}
	return text
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
