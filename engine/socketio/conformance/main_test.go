package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Both servers open a session as the suites expect, and end when they are told to.
func TestFixtures(t *testing.T) {
	for path, open := range map[string]func() (fixture, error){"/engine.io/": openEngineIO, "/socket.io/": openSocketIO} {
		t.Run(path, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			f, err := open()
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, listener, path, f) }()
			shakeHands(t, "http://"+listener.Addr().String()+path)
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		})
	}
}

func shakeHands(t *testing.T, url string) {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	resp, err := http.Get(url + "?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var open struct {
		Sid                                   string
		Upgrades                              []string
		PingInterval, PingTimeout, MaxPayload int
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(body), "0")), &open); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if open.Sid == "" || !slices.Equal(open.Upgrades, []string{"websocket"}) || open.PingInterval != 300 || open.PingTimeout != 200 || open.MaxPayload != 1e6 {
		t.Fatalf("the handshake is %s", body)
	}
}
