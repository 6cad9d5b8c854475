package api

import (
	"iter"
	"strings"
)

// directives yields the directives of a Cache-Control field, without arguments, in lower case.
func directives(field string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for d := range strings.SplitSeq(field, ",") {
			name, _, _ := strings.Cut(d, "=")
			if !yield(strings.ToLower(trimOWS(name))) {
				return
			}
		}
	}
}

// noneMatch evaluates If-None-Match (RFC 9110, 13.1.2) by weak comparison:
// true where the client has to be sent the answer.
func noneMatch(lines []string, etag string) bool {
	for _, line := range lines {
		if names(line, etag) {
			return false
		}
	}
	return true
}

// names reports whether a list of entity tags, or "*", names one. What
// is not well formed ends the list: it cannot match, and the client gets its answer.
func names(list, etag string) bool {
	rest := trimOWS(list)
	if rest == "*" {
		return true
	}
	for rest != "" {
		rest = strings.TrimPrefix(rest, "W/")
		end := strings.IndexByte(strings.TrimPrefix(rest, `"`), '"')
		if !strings.HasPrefix(rest, `"`) || end < 0 {
			return false
		}
		if tag := rest[:end+2]; tag == etag {
			return true
		}
		rest = strings.TrimLeft(rest[end+2:], ", \t")
	}
	return false
}
