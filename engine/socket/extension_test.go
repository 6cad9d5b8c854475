package socket

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// offering connects a client with an extension header for each of offers, and
// returns what the server answered to them.
func (w *world) offering(t testing.TB, offers ...string) (*Conn, *client, []string) {
	t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &client{t: t, Conn: conn, r: bufio.NewReader(conn)}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	request := handshake
	for _, offer := range offers {
		request += "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	p.write([]byte(request + "\r\n"))
	response, err := http.ReadResponse(p.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %s", response.Status)
	}
	return receive(t, w.accepted, "Accept"), p, response.Header.Values("Sec-WebSocket-Extensions")
}

func TestOffersOfDeflate(t *testing.T) {
	const answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	accept := func() Accept { return Accept{Handler: newQuiet()} }
	on, off := newWorld(t, Config{Compression: true}, accept), newWorld(t, Config{}, accept)
	for _, test := range []struct {
		offers   []string
		accepted bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"permessage-deflate"}, true}, // Firefox
		{[]string{"permessage-deflate; client_max_window_bits"}, true},        // Chromium
		{[]string{"permessage-deflate;client_max_window_bits = 15"}, true},    // spaces are free
		{[]string{`permessage-deflate; client_max_window_bits="10"`}, true},   // as are quotes
		{[]string{"permessage-deflate; client_max_window_bits=16"}, false},    // not a window
		{[]string{"permessage-deflate; client_max_window_bits=010"}, false},   // RFC 7692, section 7.1.2.2
		{[]string{"permessage-deflate; client_max_window_bits="}, false},      // nothing
		{[]string{`permessage-deflate; client_max_window_bits=""`}, false},    // nothing
		{[]string{"permessage-deflate; server_no_context_takeover"}, true},    // as it is
		{[]string{"permessage-deflate; client_no_context_takeover"}, true},    // as it is
		{[]string{"permessage-deflate; server_no_context_takeover=1"}, false}, // has no value
		{[]string{"permessage-deflate; server_max_window_bits=10"}, false},    // not supported
		{[]string{"permessage-deflate; server_max_window_bits=15"}, false},    // would have to be answered
		{[]string{"permessage-deflate; something_new"}, false},                // unknown
		{[]string{"permessage-deflate;"}, false},                              // a parameter without a name
		{[]string{"permessage-deflate; client_max_window_bits; client_max_window_bits"}, false},
		{[]string{"x-webkit-deflate-frame"}, false},
		{[]string{"not-permessage-deflate"}, false},
		{[]string{"x; permessage-deflate"}, false},
		{[]string{"x, permessage-deflate"}, true},
		{[]string{"x", "permessage-deflate"}, true},
		// The first offer has a fallback.
		{[]string{"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, true},
		{[]string{"permessage-deflate; server_max_window_bits=10", "permessage-deflate; client_max_window_bits"}, true},
	} {
		t.Run(strings.Join(test.offers, " | "), func(t *testing.T) {
			c, _, answers := on.offering(t, test.offers...)
			if c.Compressed() != test.accepted || (len(answers) == 1 && answers[0] == answer) != test.accepted || !test.accepted && answers != nil {
				t.Errorf("answered %q, Compressed is %v", answers, c.Compressed())
			}
			if c, _, answers := off.offering(t, test.offers...); c.Compressed() || answers != nil {
				t.Errorf("not asked for by the configuration, and answered %q, Compressed is %v", answers, c.Compressed())
			}
		})
	}
}
