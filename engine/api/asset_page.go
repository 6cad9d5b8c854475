package api

import (
	"bytes"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// plainPath is a URL's path that needs no quoting in a Link field.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)

// preloads returns the Link field (RFC 8288) with which a page's browser gets
// at the scripts and styles before it has read their tags; it names only files
// of ours.
func (found assets) preloads(page []byte) string {
	var links []string
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken: // the end: any bytes are tokens
			return strings.Join(links, ", ")
		case html.StartTagToken, html.SelfClosingTagToken:
			target, how := preload(z.Token())
			if found[target] != nil && plainPath.MatchString(target) {
				links = append(links, "<"+target+">; "+how)
			}
		}
	}
}

// preload returns what a tag will load, and how to ask for it ahead. A request
// of another mode than the tag's would be made twice, so tags that say more of
// theirs than the web client's do are left alone.
func preload(tag html.Token) (target, how string) {
	attributes := map[string]string{}
	for _, a := range tag.Attr {
		attributes[a.Key] = strings.TrimSpace(a.Val)
	}
	for _, mode := range []string{"crossorigin", "integrity", "referrerpolicy", "media", "disabled", "nomodule"} {
		if _, ok := attributes[mode]; ok {
			return "", ""
		}
	}
	switch {
	case tag.Data == "link" && strings.EqualFold(attributes["rel"], "stylesheet"):
		return attributes["href"], "rel=preload; as=style"
	case tag.Data == "script" && strings.EqualFold(attributes["type"], "module"):
		return attributes["src"], "rel=modulepreload"
	}
	return "", ""
}

// takesHints tells whether 103 is of use to the client: browsers heed it when
// they open a page, over HTTP/2 and later. Over HTTP/1.1 there are proxies and
// clients that take it for the answer.
func takesHints(r *http.Request) bool {
	return r.ProtoMajor >= 2 && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// hint sends 103 Early Hints (RFC 8297). The policy goes with the links because
// browsers hold to it what they load ahead.
func hint(w http.ResponseWriter, links string) {
	h := w.Header()
	final := maps.Clone(h)
	clear(h)
	h.Set("Link", links)
	h.Set("Content-Security-Policy", pagePolicy)
	w.WriteHeader(http.StatusEarlyHints)
	clear(h)
	maps.Copy(h, final)
}
