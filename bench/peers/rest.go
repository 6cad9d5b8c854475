package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// rest is a user of a server's HTTP API, which is klatch's, or as much of it as
// is called here.
type rest struct {
	client *http.Client
	url    string
	token  string
}

const restPatience = 30 * time.Second

// user is somebody new with this name.
func (r *running) user(client *http.Client, name string) (rest, error) {
	claims := jwt.MapClaims{"sub": name, "exp": time.Now().Add(24 * time.Hour).Unix()}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(r.secret)
	return rest{client, r.urls[0] + "/api/v1", token}, err
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (u rest) do(ctx context.Context, method, path string, header http.Header, body any) (a answer, err error) {
	var content []byte
	if body != nil {
		if content, err = json.Marshal(body); err != nil {
			return a, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, u.url+path, bytes.NewReader(content))
	if err != nil {
		return a, err
	}
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("Authorization", "Bearer "+u.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := u.client.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return a, err
	}
	a.status, a.header = response.StatusCode, response.Header
	if a.status >= 300 && a.status != http.StatusNotModified {
		return a, fmt.Errorf("%s %s: %s: %.200s", method, path, response.Status, a.body)
	}
	return a, nil
}

// hotRoom is a room with messages, and one who posts and one who reads in it.
type hotRoom struct {
	path           string // of its messages
	poster, reader rest
	chatter        *chatter
	posted         []posted // the newest page, oldest first
	close          func()
}

// posted is a message that was acknowledged.
type posted struct{ ID, Body string }

// pageSize is how many messages a page is asked for with.
const pageSize = 50

// newest is the path and query of the newest page.
func (h *hotRoom) newest() string { return fmt.Sprintf("%s?limit=%d", h.path, pageSize) }

// fill makes a room with so many messages of so many bytes.
func (r *running) fill(ctx context.Context, messages, size int) (*hotRoom, error) {
	transport := &http.Transport{DisableCompression: true}
	h := &hotRoom{chatter: newChatter(), close: transport.CloseIdleConnections}
	err := h.open(ctx, r, &http.Client{Transport: transport, Timeout: restPatience})
	for i := 0; i < messages && err == nil; i++ {
		err = h.post(ctx, size)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// open makes the room and has the reader join it.
func (h *hotRoom) open(ctx context.Context, r *running, client *http.Client) (err error) {
	if h.poster, err = r.user(client, "poster"); err != nil {
		return err
	}
	if h.reader, err = r.user(client, "reader"); err != nil {
		return err
	}
	a, err := h.poster.do(ctx, http.MethodPost, "/rooms", nil, map[string]string{"name": "hot"})
	if err != nil {
		return err
	}
	var room struct{ ID string }
	if err = json.Unmarshal(a.body, &room); err != nil {
		return err
	}
	h.path = "/rooms/" + room.ID + "/messages"
	_, err = h.reader.do(ctx, http.MethodPost, "/rooms/"+room.ID+"/join", nil, nil)
	return err
}

// post posts what the chatter says next.
func (h *hotRoom) post(ctx context.Context, size int) error {
	body := h.chatter.say(size)
	a, err := h.poster.do(ctx, http.MethodPost, h.path, nil, map[string]string{"body": body})
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err = json.Unmarshal(a.body, &made); err != nil {
		return err
	}
	h.posted = append(h.posted, posted{made.ID, body})
	h.posted = h.posted[max(0, len(h.posted)-pageSize):]
	return nil
}
