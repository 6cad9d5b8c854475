package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// target is what a request is about: a path of the API, and the things named in
// it, so that a 404 can say what is not there.
type target struct {
	path   string
	named  []thing
	single bool // a list that the API gives on one page
}

// thing is something that an administrator names.
type thing struct{ kind, name string }

func (t thing) String() string { return fmt.Sprintf("%s %q", t.kind, t.name) }

// listOf names the command that lists things of a kind.
var listOf = map[string]string{
	"user":   "klatch admin user list",
	"owner":  "klatch admin user list",
	"room":   "klatch admin room list",
	"invite": "klatch admin invite list",
}

// all is a list of the API.
func all(list string) target { return target{path: "/admin/" + list} }

// the is one thing: the("user", "ada") is /admin/users/ada.
func the(kind, name string) target { return all(kind+"s").item(kind, name) }

// part is something of the target.
func (t target) part(word string) target {
	t.path += "/" + word
	return t
}

// item is one of the target's list.
func (t target) item(kind, name string) target {
	return t.part(url.PathEscape(name)).naming(kind, name)
}

// naming adds a thing that the request names elsewhere than in its path.
func (t target) naming(kind, name string) target {
	if name != "" {
		t.named = append(t.named[:len(t.named):len(t.named)], thing{kind, name})
	}
	return t
}

// onePage is a list that is answered whole.
func (t target) onePage() target {
	t.single = true
	return t
}

func (t target) query(q url.Values) target {
	if len(q) > 0 {
		t.path += "?" + q.Encode()
	}
	return t
}

// missing is the sentence for things that are not there: those of the kinds, any if none are given.
func (t target) missing(kinds ...string) string {
	var what, where []string
	for _, n := range t.named {
		if len(kinds) > 0 && !slices.Contains(kinds, n.kind) {
			continue
		}
		what = append(what, "no "+n.String())
		if list := listOf[n.kind]; list != "" {
			where = append(where, list)
		}
	}
	if what == nil {
		return ""
	}
	s := "there is " + strings.Join(what, ", or ")
	if where != nil {
		s += ": see " + strings.Join(where, " and ")
	}
	return s
}
