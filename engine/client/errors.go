package client

import (
	"errors"
	"fmt"
	"time"
)

// Error is the server's refusal of a call.
type Error struct {
	Code       string // stable, for machines
	Message    string
	RetryAfter time.Duration // when waiting helps
	Fields     []FieldError
}

// FieldError names a field and what is wrong with it.
type FieldError struct {
	Field string `json:"field"`
	Code  string `json:"code"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Is matches on the code, where the target has no more than that.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CloseError is why a connection ended.
type CloseError struct {
	Code   int // of WebSocket; 1006 where there was no close frame
	Reason string
	Err    error // the refusal that came before, or what broke the connection
}

func (e *CloseError) Error() string {
	s := fmt.Sprintf("klatch: connection closed with %d", e.Code)
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CloseError) Unwrap() error { return e.Err }

// The close codes that matter to a client.
const (
	closeAbnormal      = 1006
	closeTooLarge      = 1009
	closeUnauthorized  = 4001
	closeProtocolError = 4002
	closeReplaced      = 4009
)

// final reports whether coming back would only end the same way.
func (e *CloseError) final() bool {
	return e.Code == closeUnauthorized || e.Code == closeProtocolError || e.Code == closeReplaced
}

// Errors of calls that the server did not answer.
var (
	ErrClosed       = errors.New("klatch: the client is closed")
	ErrDisconnected = errors.New("klatch: the connection ended before the answer came")
	ErrTooMany      = errors.New("klatch: too many calls wait for an answer")

	errSilent = errors.New("the server has been silent for too long")
)

// handshakeError is an HTTP answer where a WebSocket was wanted.
type handshakeError struct {
	status     int
	retryAfter time.Duration
	err        error
}

func (e *handshakeError) Error() string {
	return fmt.Sprintf("klatch: handshake refused with HTTP %d: %v", e.status, e.err)
}

func (e *handshakeError) Unwrap() error { return e.err }
