package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestREST: the calls are those of the contract, and problems become *Error.
func TestREST(t *testing.T) {
	mux := http.NewServeMux()
	echo := func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", r.URL, err)
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"user":{"id":"u","username":"%v"},"token":"t","id":"r","name":"%v"}`, in["username"], in["name"])
	}
	mux.HandleFunc("POST /api/v1/register", echo)
	mux.HandleFunc("POST /api/v1/rooms", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" {
			t.Error("no token")
		}
		echo(w, r)
	})
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"code":"rate_limited","detail":"wait","errors":[{"field":"username","code":"x"}]}`)
	})
	mux.HandleFunc("POST /api/v1/logout", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s := httptest.NewServer(mux)
	defer s.Close()
	ctx := testContext(t)
	r := REST{URL: s.URL + "/", HTTP: s.Client()}
	a, err := r.Register(ctx, Registration{Username: "ann", Password: "correct horse"})
	if err != nil || a.User.Username != "ann" || a.Token != "t" {
		t.Fatalf("%v %+v", err, a)
	}
	var e *Error
	if _, err := r.Login(ctx, "ann", "x"); !errors.As(err, &e) || e.Code != "rate_limited" || e.RetryAfter != 3*time.Second || len(e.Fields) != 1 {
		t.Fatal(err)
	}
	r.Token = a.Token
	if room, err := r.CreateRoom(ctx, NewRoom{Name: "lobby"}); err != nil || room.Name != "lobby" {
		t.Fatalf("%v %+v", err, room)
	}
	if err := r.Logout(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.Do(ctx, http.MethodGet, "/nothing", nil, nil); err == nil || errors.As(err, new(*Error)) {
		t.Fatal(err)
	}
}
