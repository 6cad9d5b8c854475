package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const staleSecret = "what the model of the caches signs its users with"

// staleCall is one request.
type staleCall struct {
	node                int
	method, path, token string
	after               string // Klatch-After, "" for none
	uncached            bool
	coding              string // Accept-Encoding
	known               string // an ETag that the client has
	body                any
}

// staleAnswer is what came: with the body decoded and the ETag of that.
type staleAnswer struct {
	status        int
	etag, link    string
	body          []byte
	cache, coding string
	position      string
}

// do sends a request below /api/v1.
func (x *stale) do(c staleCall) (staleAnswer, error) {
	var sent io.Reader
	if c.body != nil {
		b, err := json.Marshal(c.body)
		if err != nil {
			return staleAnswer{}, err
		}
		sent = bytes.NewReader(b)
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	r, err := http.NewRequest(c.method, x.nodes[c.node].public.url()+"/api/v1"+c.path, sent)
	if err != nil {
		return staleAnswer{}, err
	}
	c.dress(r.Header)
	resp, err := x.http.Do(r)
	if err != nil {
		return staleAnswer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return staleAnswer{}, err
	}
	h := resp.Header
	a := staleAnswer{status: resp.StatusCode, etag: h.Get("Etag"), link: h.Get("Link"), cache: h.Get("X-Cache"), position: h.Get("Klatch-Position")}
	return a, a.decode(h.Get("Content-Encoding"), body)
}

func (c *staleCall) dress(h http.Header) {
	for name, value := range map[string]string{"Klatch-After": c.after, "Accept-Encoding": c.coding} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	if c.body != nil {
		h.Set("Content-Type", "application/json")
	}
	if c.uncached {
		h.Set("Cache-Control", "no-cache")
	}
	if c.known != "" {
		tag := strings.TrimSuffix(c.known, `"`)
		h.Set("If-None-Match", fmt.Sprintf(`%s", %s.gzip", %s.zstd"`, tag, tag, tag))
	}
}

// decode takes the content coding off the body, and its name off the ETag.
func (a *staleAnswer) decode(coding string, body []byte) (err error) {
	a.coding, a.body = coding, body
	for _, name := range []string{"gzip", "zstd"} {
		tag, is := strings.CutSuffix(a.etag, "."+name+`"`)
		if is {
			a.etag = tag + `"`
		}
		if is != (coding == name) && a.status != http.StatusNotModified {
			return fmt.Errorf("the body is coded as %q, and its ETag is %s", coding, a.etag)
		}
	}
	switch coding {
	case "gzip":
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			a.body, err = io.ReadAll(r)
		}
	case "zstd":
		a.body, err = staleZstd().DecodeAll(body, nil)
	}
	return err
}

var staleZstd = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(4))
	if err != nil {
		panic(err) // the options are good ones
	}
	return d
})

// same reports whether an answer is a state, to the byte.
func (a *staleAnswer) same(state *staleAnswer) bool {
	return a.status == state.status && a.etag == state.etag && a.link == state.link && bytes.Equal(a.body, state.body)
}

// must sends what has to succeed.
func (x *stale) must(c staleCall) staleAnswer {
	a, err := x.do(c)
	if err != nil || a.status >= 300 {
		x.fail("%s %s as %.20s answers %d, %v: %s", c.method, c.path, c.token, a.status, err, a.body)
	}
	return a
}

// stalePersona is a user of another backend.
type stalePersona struct{ name, id, token string }

// persona makes one at a node.
func (x *stale) persona(name string, node int) stalePersona {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": name}).SignedString([]byte(staleSecret))
	if err != nil {
		x.fail("sign a token: %v", err)
	}
	p := stalePersona{name: name, token: token}
	p.id = staleID(x, x.must(staleCall{node: node, path: "/me", token: token}))
	return p
}

// staleID is the id of what an answer shows.
func staleID(x *stale, a staleAnswer) string {
	var noun struct{ ID string }
	if err := json.Unmarshal(a.body, &noun); err != nil || noun.ID == "" {
		x.fail("there is no id in %s", a.body)
	}
	return noun.ID
}
