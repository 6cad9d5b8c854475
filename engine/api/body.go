package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/klatch-chat/klatch/engine"
)

func fieldError(field, code, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeInvalidField, Message: message, Fields: []engine.FieldError{{Field: field, Code: code}}}
}

// decode reads a request's body into a struct.
func decode[T any](r *request) (body T, err error) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return body, errMediaType
	}
	b, err := readBody(r)
	if err != nil {
		return body, err
	}
	return body, unmarshal(b, &body)
}

// decodeOptional is decode where no body at all is the empty object.
func decodeOptional[T any](r *request) (body T, err error) {
	if r.ContentLength == 0 {
		return body, nil
	}
	return decode[T](r)
}

func isJSON(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	return err == nil && kind == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

func readBody(r *request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, bodyTooLarge(tooLarge.Limit)
	}
	if err != nil {
		return nil, &engine.Error{Code: engine.CodeInvalidJSON, Message: "the body ended early", Err: err}
	}
	return b, nil
}

func bodyTooLarge(limit int64) *engine.Error {
	return &engine.Error{Code: engine.CodeTooLarge, Message: fmt.Sprintf("a request's body may have %d bytes", limit)}
}

// unmarshal is strict: UTF-8, no name twice, no unknown names, nothing after
// the object. Where a value of the wrong type is, is told by its field.
func unmarshal(b []byte, into any) error {
	err := json.Unmarshal(b, into, json.RejectUnknownMembers(true))
	if err == nil && string(bytes.TrimSpace(b)) == "null" { // it decodes into anything
		return &engine.Error{Code: engine.CodeInvalidJSON, Message: "the body must be a JSON object"}
	}
	if err == nil {
		return nil
	}
	wrong := (*json.SemanticError)(nil)
	if !errors.As(err, &wrong) {
		return &engine.Error{Code: engine.CodeInvalidJSON, Message: "the body is not valid JSON", Err: err}
	}
	field := topField(string(wrong.JSONPointer))
	switch {
	case field == "":
		return &engine.Error{Code: engine.CodeInvalidJSON, Message: "the body must be a JSON object", Err: err}
	case errors.Is(err, json.ErrUnknownName):
		return fieldError(field, "unknown", "the body has a field that is not known here")
	}
	return fieldError(field, "malformed", "a field of the body has the wrong type")
}

const maxFieldEcho = 64

// topField returns the first name of a JSON pointer (RFC 6901), cut to a length that may be sent back.
func topField(pointer string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	if len(name) > maxFieldEcho {
		name = strings.ToValidUTF8(name[:maxFieldEcho], "")
	}
	return name
}

// idField reads a field that holds an id; absent is the zero id.
func idField(field, value string) (engine.ID, error) {
	if value == "" {
		return engine.ID{}, nil
	}
	id, err := engine.ParseID(value)
	if err != nil {
		return id, fieldError(field, "malformed", field+" must be an id")
	}
	return id, nil
}
