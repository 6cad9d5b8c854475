package storage

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// checkPage is docs/check.md: its codes with what a rebuild does about them, and its words.
func checkPage(t *testing.T) (codes map[string]string, words []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	codes, quoted := map[string]string{}, regexp.MustCompile("`([a-z_]+)`")
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "| `"):
		case len(cells) == 3:
			codes[strings.Trim(cells[0], "`")] = cells[2]
		case len(cells) == 2:
			for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
				words = append(words, m[1])
			}
		}
	}
	return codes, words
}

// TestCheckPageIsComplete: docs/check.md has each code and each word that codes are made of, and no other.
func TestCheckPageIsComplete(t *testing.T) {
	codes, words := checkPage(t)
	if got, want := slices.Sorted(maps.Keys(codes)), slices.Sorted(slices.Values(codesInSource(t))); !slices.Equal(got, want) {
		t.Errorf("the page has the codes\n%v, there are\n%v", got, want)
	}
	want := []string{}
	for kind, name := range kindNames {
		if kind != kindLog && kind != kindMessage && kind != kindLocal { // these have codes of their own
			want = append(want, name)
		}
	}
	for sub, name := range partNames {
		if sub != subPost {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if slices.Sort(words); !slices.Equal(words, want) {
		t.Errorf("the page has the words\n%v, there are\n%v", words, want)
	}
}

// codesInSource are the constants of type Code.
func codesInSource(t *testing.T) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "finding.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, code)
		return true
	})
	return codes
}

// TestCheckPageOnMending: what the page says of a rebuild is what the tests of damage prove.
func TestCheckPageOnMending(t *testing.T) {
	codes, words := checkPage(t)
	does := map[string]string{}
	for _, d := range mendable {
		does[string(d.code)] = "yes"
	}
	for _, d := range lossy {
		switch does[string(d.code)] {
		case "yes", "if":
			does[string(d.code)] = "if"
		default:
			does[string(d.code)] = "no"
		}
	}
	for code, want := range does {
		if says, ok := codes[code]; ok {
			if !strings.HasPrefix(says, want) {
				t.Errorf("%s: the page says that a rebuild mends it: %s; the tests: %s", code, says, want)
			}
			continue
		}
		word, how, _ := cutLast(code, "_")
		if !slices.Contains(words, word) || !slices.Contains([]string{isMissing, isExtra, isWrong}, "_"+how) || want != "yes" {
			t.Errorf("%s (a rebuild mends it: %s) is not on the page", code, want)
		}
	}
	for _, word := range words {
		if !slices.ContainsFunc(mendable, func(d damage) bool { return strings.HasPrefix(string(d.code), word+"_") }) {
			t.Errorf("no test does damage to a %s", word)
		}
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
