package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

// components holds what routes name: schemas, parameters, headers.
//
//go:embed components.json
var components []byte

// object is a JSON object.
type object = map[string]any

func ref(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

// OpenAPI returns the description of the API as an OpenAPI 3.1 document,
// made from the route table.
func OpenAPI(version string) ([]byte, error) {
	var parts object
	if err := json.Unmarshal(components, &parts); err != nil {
		return nil, fmt.Errorf("read components: %w", err)
	}
	parts["responses"] = problemResponses()
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "klatch", "version": version,
			"description": overview,
		},
		"servers":    []any{object{"url": basePath}},
		"security":   []any{object{"bearer": []any{}}, object{"cookie": []any{}}},
		"paths":      paths(),
		"components": parts,
	}, "", "  ")
}

const overview = "The chat's REST calls. Times are RFC 3339 in UTC with milliseconds; ids are ULIDs; a {room} or {user} is an id or a name. " +
	"Errors are application/problem+json (RFC 9457) with a stable code. " +
	"Every answer to a write carries Klatch-Position; a request that sends it back as Klatch-After, to whichever node, " +
	"is answered from a state at least that new. Browsers do the same by the cookie klatch_after. " +
	"Klatch-Durability says where the write was stored when it was answered. " +
	"Every GET has a strong ETag: send it back as If-None-Match and get 304 while nothing has changed. " +
	"Answers may come from the node's cache (X-Cache), but never older than they may be without it; Cache-Control: no-cache in a request leaves it out. " +
	"Lists and pages name their neighbours in Link (RFC 8288), relative to the request. " +
	"Limits are told in RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers). " +
	"With the session cookie, unsafe methods need an Origin that names the host. " +
	"What is under /admin is for administrators; the node's control socket serves these routes, and no others, to its operator without a token. " +
	"Who may do what is one table, in docs/permissions.md. " +
	"Unknown paths are not_found (404); a wrong method is method_not_allowed (405) with Allow; HEAD works where GET does. " +
	"The real-time protocol is a WebSocket at /api/v1/ws."

func paths() object {
	all := object{}
	for _, rt := range routes {
		item, ok := all[rt.path].(object)
		if !ok {
			item = object{}
			if rt.root {
				item["servers"] = []any{object{"url": "/"}}
			}
			all[rt.path] = item
		}
		item[strings.ToLower(rt.method)] = rt.describe()
	}
	return all
}

// describe returns the route's OpenAPI operation.
func (rt route) describe() object {
	o := object{"operationId": rt.id, "summary": rt.summary, "responses": rt.responses()}
	if ps := rt.parameters(); len(ps) > 0 {
		o["parameters"] = ps
	}
	if rt.anyone {
		o["security"] = []any{}
	}
	if rt.body != "" {
		o["requestBody"] = object{"required": !rt.bodyOptional, "content": content("application/json", ref("schemas", rt.body))}
	}
	return o
}

func content(kind string, schema object) object { return object{kind: object{"schema": schema}} }

var pathValue = regexp.MustCompile(`\{(\w+)\}`)

func (rt route) parameters() (ps []any) {
	for _, m := range pathValue.FindAllStringSubmatch(rt.path, -1) {
		ps = append(ps, ref("parameters", m[1]))
	}
	for _, q := range rt.query {
		ps = append(ps, ref("parameters", q))
	}
	if rt.positioned() {
		ps = append(ps, ref("parameters", "Klatch-After"))
	}
	if !rt.unsafe() {
		ps = append(ps, ref("parameters", "If-None-Match"))
	}
	return ps
}

func (rt route) responses() object {
	all := object{strconv.Itoa(rt.status): rt.success()}
	for _, c := range rt.codes() {
		all[strconv.Itoa(statuses[c])] = ref("responses", strconv.Itoa(statuses[c]))
	}
	if rt.body != "" {
		unsupported := strconv.Itoa(http.StatusUnsupportedMediaType)
		all[unsupported] = ref("responses", unsupported)
	}
	if !rt.unsafe() {
		all[strconv.Itoa(http.StatusNotModified)] = object{
			"description": "Not Modified: what If-None-Match names is still so",
			"headers":     rt.headers(),
		}
	}
	return all
}

func (rt route) success() object {
	o := object{"description": http.StatusText(rt.status)}
	if rt.result != "" {
		o["content"] = content("application/json", ref("schemas", rt.result))
	}
	if headers := rt.headers(); len(headers) > 0 {
		o["headers"] = headers
	}
	return o
}

// headers are the fields of an answer that is not an error.
func (rt route) headers() object {
	names := []string{}
	if rt.unsafe() {
		names = append(names, positionKey)
	} else {
		names = append(names, "ETag")
	}
	if rt.writes() {
		names = append(names, durabilityKey)
	}
	if rt.positioned() {
		names = append(names, "RateLimit-Policy", "RateLimit")
		if !rt.unsafe() {
			names = append(names, "X-Cache", "Age")
		}
	}
	if slices.Contains(rt.query, "limit") {
		names = append(names, "Link")
	}
	all := object{}
	for _, name := range names {
		all[name] = ref("headers", name)
	}
	return all
}

// codes returns the errors that a route may answer with.
func (rt route) codes() []engine.Code {
	all := append(codes(engine.CodeInternal, engine.CodeForbidden), rt.also...) // any address may be banned
	if rt.positioned() {
		all = append(all, engine.CodeInvalidField, engine.CodeNotCaughtUp, engine.CodeUnavailable)
	}
	if !rt.anyone {
		all = append(all, engine.CodeUnauthorized)
	}
	if rt.positioned() {
		all = append(all, engine.CodeRateLimited)
	}
	if strings.Contains(rt.path, "{") {
		all = append(all, engine.CodeNotFound)
	}
	if rt.body != "" {
		all = append(all, engine.CodeInvalidJSON, engine.CodeTooLarge)
	}
	return all
}

// problemResponses returns one response for each status that problems have.
func problemResponses() object {
	byStatus := map[int][]string{http.StatusUnsupportedMediaType: {string(engine.CodeInvalidJSON)}}
	for c, status := range statuses {
		byStatus[status] = append(byStatus[status], string(c))
	}
	all := object{}
	for status, cs := range byStatus {
		slices.Sort(cs)
		all[strconv.Itoa(status)] = problemResponse(status, cs)
	}
	return all
}

func problemResponse(status int, cs []string) object {
	schema := object{"allOf": []any{ref("schemas", "Problem"), object{"properties": object{
		"status": object{"const": status}, "code": object{"enum": cs},
	}}}}
	o := object{
		"description": http.StatusText(status) + ": " + strings.Join(cs, " or "),
		"content":     content("application/problem+json", schema),
	}
	headers := object{}
	switch status {
	case http.StatusUnauthorized:
		headers["WWW-Authenticate"] = ref("headers", "WWW-Authenticate")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		headers["Retry-After"] = ref("headers", "Retry-After")
	}
	if len(headers) > 0 {
		o["headers"] = headers
	}
	return o
}
