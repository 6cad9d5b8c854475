package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// REST is the HTTP side of the API, as far as one needs it to get a token and a
// room. The zero HTTP is http.DefaultClient.
type REST struct {
	URL   string // of the server, without /api/v1
	Token string
	After string // a Receipt's position: answers are not older
	HTTP  *http.Client
}

// Registration is a request for an account.
type Registration struct {
	Username    string `json:"username"`
	Password    string `json:"password"`
	DisplayName string `json:"display_name,omitempty"`
	Invite      string `json:"invite,omitempty"`
}

// Account is a user who has signed in.
type Account struct {
	User  User   `json:"user"`
	Token string `json:"token"`
}

// NewRoom is a request for a room.
type NewRoom struct {
	Name    string `json:"name"`
	Topic   string `json:"topic,omitempty"`
	Private bool   `json:"private,omitempty"`
}

// Register makes an account and signs it in.
func (r REST) Register(ctx context.Context, n Registration) (a Account, err error) {
	err = r.Do(ctx, http.MethodPost, "/register", n, &a)
	return a, err
}

// Login signs in.
func (r REST) Login(ctx context.Context, username, password string) (a Account, err error) {
	err = r.Do(ctx, http.MethodPost, "/login", Registration{Username: username, Password: password}, &a)
	return a, err
}

// Logout revokes the token on every node.
func (r REST) Logout(ctx context.Context) error {
	return r.Do(ctx, http.MethodPost, "/logout", nil, nil)
}

// CreateRoom makes a room; the caller becomes its owner.
func (r REST) CreateRoom(ctx context.Context, n NewRoom) (room Room, err error) {
	err = r.Do(ctx, http.MethodPost, "/rooms", n, &room)
	return room, err
}

// Do sends a request to a path below /api/v1 and reads the answer into out.
// The server's refusals are *Error.
func (r REST) Do(ctx context.Context, method, path string, in, out any) error {
	_, err := r.Write(ctx, method, path, in, out)
	return err
}

// Write is Do for those who want to know where their write stands.
func (r REST) Write(ctx context.Context, method, path string, in, out any) (Receipt, error) {
	req, err := r.request(ctx, method, path, in)
	if err != nil {
		return Receipt{}, err
	}
	client := r.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return Receipt{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return Receipt{}, fmt.Errorf("read the answer: %w", err)
	case resp.StatusCode >= 300:
		return Receipt{}, problem(resp, body)
	}
	receipt := Receipt{resp.Header.Get("Klatch-Position"), Durability(resp.Header.Get("Klatch-Durability"))}
	if out == nil || len(body) == 0 {
		return receipt, nil
	}
	return receipt, json.Unmarshal(body, out)
}

const maxAnswer = 16 << 20 // bytes

func (r REST) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	url := strings.TrimSuffix(r.URL, "/") + "/api/v1" + path
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.After != "" {
		req.Header.Set("Klatch-After", r.After)
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	return req, nil
}

// problem reads an error of the API (RFC 9457).
func problem(resp *http.Response, body []byte) error {
	var p struct {
		Code   string       `json:"code"`
		Detail string       `json:"detail"`
		Fields []FieldError `json:"errors"`
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		return fmt.Errorf("klatch: HTTP %s", resp.Status)
	}
	e := &Error{Code: p.Code, Message: p.Detail, Fields: p.Fields}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
