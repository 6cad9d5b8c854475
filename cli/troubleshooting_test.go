package cli

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// helpPage is docs/troubleshooting.md.
type helpPage struct {
	text     string
	sections map[string]string // by anchor
	lines    []string          // of the log, in the table of them
	alerts   map[string]bool
}

var (
	heading    = regexp.MustCompile(`^#+ (.*)$`)
	notAnchor  = regexp.MustCompile(`[^a-z0-9 _-]`)
	inCode     = regexp.MustCompile("`([^`]+)`")
	ownAnchor  = regexp.MustCompile(`\]\(#([^)]*)\)`)
	helpAlerts = regexp.MustCompile("`(Klatch[A-Z]\\w+)`")
)

func readHelp(t *testing.T) *helpPage {
	t.Helper()
	h := &helpPage{text: string(mustRead(t, "../docs/troubleshooting.md")), sections: map[string]string{}, alerts: map[string]bool{}}
	anchor := ""
	for line := range strings.Lines(h.text) {
		if m := heading.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			// As GitHub makes them of headings.
			anchor = strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
			if h.sections[anchor] != "" {
				t.Errorf("troubleshooting.md has two sections #%s", anchor)
			}
		}
		h.sections[anchor] += line
	}
	for line := range strings.Lines(h.sections["lines-of-the-log"]) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok {
			for _, m := range inCode.FindAllStringSubmatch(first, -1) {
				h.lines = append(h.lines, m[1])
			}
		}
	}
	for _, m := range helpAlerts.FindAllStringSubmatch(h.text, -1) {
		h.alerts[m[1]] = true
	}
	return h
}

// TestTroubleshooting: each line that an administrator may see at level warn or
// error is explained, and each that is explained can be seen.
func TestTroubleshooting(t *testing.T) {
	help := readHelp(t)
	logged := loggedLines(t)
	if len(logged) < 20 {
		t.Fatalf("found %d lines in the code: the search is broken", len(logged))
	}
	for line, where := range logged {
		if !slices.Contains(help.lines, line) {
			t.Errorf("%s logs %q, of which docs/troubleshooting.md says nothing", where, line)
		}
	}
	for _, line := range help.lines {
		if logged[line] == "" {
			t.Errorf("docs/troubleshooting.md explains %q, which nothing logs", line)
		}
	}
	for _, m := range ownAnchor.FindAllStringSubmatch(help.text, -1) {
		if help.sections[m[1]] == "" {
			t.Errorf("docs/troubleshooting.md links to #%s, which it does not have", m[1])
		}
	}
}

// loggedMethods are those that log at warn and error, and where the message stands
// among their arguments. Log may be of any level, and is told of as if it were of these.
var loggedMethods = map[string]int{"Warn": 0, "Error": 0, "WarnContext": 1, "ErrorContext": 1, "Log": 2}

// loggedLines finds the messages in the code of all parts that a node is made of.
func loggedLines(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range []string{".", "../engine", "../storage", "../cluster"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && (d.Name() == "testdata" || d.Name() == "client") {
				if err == nil {
					err = fs.SkipDir
				}
				return err
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			file, err := goparser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if line, ok := loggedLine(n); ok {
					found[line] = path
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// loggedLine is the message of a call that logs. One that is put together is told
// by how it begins: gossip's and Pebble's lines are their own.
func loggedLine(n ast.Node) (line string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !isLogger(method.X) {
		return "", false
	}
	at, ok := loggedMethods[method.Sel.Name]
	if !ok || at >= len(call.Args) {
		return "", false
	}
	switch message := call.Args[at].(type) {
	case *ast.BasicLit:
		line, err := strconv.Unquote(message.Value)
		return line, err == nil
	case *ast.BinaryExpr:
		if begin, is := message.X.(*ast.BasicLit); is {
			line, err := strconv.Unquote(begin.Value)
			return line + "...", err == nil
		}
	}
	return "...", true
}

// isLogger goes by the name: a logger is log, logger or Logger wherever it is kept.
func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "log" || x.Name == "logger"
	case *ast.SelectorExpr:
		return x.Sel.Name == "log" || x.Sel.Name == "logger" || x.Sel.Name == "Logger"
	}
	return false
}
