package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// adminRefusal is a node's no, in words that say what to do.
type adminRefusal struct {
	code       engine.Code
	retryAfter time.Duration
	text       string
}

func (r *adminRefusal) Error() string { return r.text }

// passing reports whether nothing was done and the same request may work soon.
func (r *adminRefusal) passing() bool {
	return r.code == engine.CodeRateLimited || r.code == engine.CodeNotCaughtUp
}

// refusal reads a problem (RFC 9457), and whatever else may stand between us and the node.
func (n *adminNode) refusal(resp *http.Response, answer []byte, t target) error {
	var p problem
	if json.Unmarshal(answer, &p) != nil || p.Code == "" {
		return errors.New(n.foreign(resp))
	}
	p.Detail = cmp.Or(p.Detail, string(p.Code))
	return &adminRefusal{p.Code, retryAfter(resp.Header), printable(n.sentence(&p, t))}
}

// problem is an error as the API writes it (RFC 9457).
type problem struct {
	Code   engine.Code         `json:"code"`
	Detail string              `json:"detail"`
	Errors []engine.FieldError `json:"errors"`
}

// unknown are the fields that name what is not there.
func (p *problem) unknown() (fields []string) {
	for _, f := range p.Errors {
		if f.Code == "unknown" {
			fields = append(fields, f.Field)
		}
	}
	return fields
}

// foreign is an answer that is no node's of this version.
func (n *adminNode) foreign(resp *http.Response) string {
	text := fmt.Sprintf("what answers %s says %s", n.where, resp.Status)
	if to := resp.Header.Get("Location"); to != "" {
		return printable(fmt.Sprintf("%s and points to %s: name that with --url", text, to))
	}
	return printable(text + ": it is no klatch node, or one of another version")
}

// missing says what is not there, or not for who asks.
func (n *adminNode) missing(t target) string {
	text := t.missing()
	if n.token != "" && strings.HasPrefix(t.path, all("messages").path+"/") {
		text += ", or it is in a private or direct room that is not yours: --data on the node's machine shows it"
	}
	return text
}

func (n *adminNode) sentence(p *problem, t target) string {
	switch detail := p.Detail; p.Code {
	case engine.CodeNotFound:
		return cmp.Or(n.missing(t), detail)
	case engine.CodeInvalidField:
		if fields := p.unknown(); fields != nil {
			return cmp.Or(t.missing(fields...), detail)
		}
	case engine.CodeUnauthorized:
		return fmt.Sprintf("the node %s does not take this token: %s; POST %s/login answers a new one", n.where, detail, apiPath)
	case engine.CodeForbidden:
		if n.token != "" {
			return fmt.Sprintf("%s: --url needs the token of an administrator; --data on the node's machine needs none", detail)
		}
	case engine.CodeRateLimited, engine.CodeNotCaughtUp, engine.CodeUnavailable:
		return fmt.Sprintf("%s: try again in a moment", detail)
	}
	return p.Detail
}
