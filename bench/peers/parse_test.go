package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const (
	sampleID   = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	sampleRest = `,"room":"` + sampleID + `","user":"` + sampleID + `","body":"#1.2.3.xx","at":"` + at + `"}`
	sample     = `{"type":"message","id":"` + sampleID + `"` + sampleRest
)

func TestParseMessage(t *testing.T) {
	for _, c := range []struct {
		data string
		ok   bool
	}{
		{sample, true},
		{`42["message",{"id":"` + sampleID + `"` + sampleRest + `]`, true},
		{``, false},
		{`{"type":"message"` + sampleRest, false},
		{`{"type":"message","id":"short`, false},
		{`{"type":"message","id":"` + sampleID + `"}`, false},
	} {
		body, id, ok := parseMessage([]byte(c.data))
		if ok != c.ok {
			t.Errorf("%s: found: %v", c.data, ok)
		}
		if ok && (string(id) != sampleID || !bytes.HasPrefix(body, []byte(`#1.2.3.xx"`))) {
			t.Errorf("%s: id %s, body %s", c.data, id, body)
		}
	}
}

// TestNATSStream cuts a stream everywhere: what comes out must not depend on it.
func TestNATSStream(t *testing.T) {
	stream := "INFO {}\r\nPONG\r\nMSG rooms.r 1 4\r\n\r\nab\r\nMSG rooms.r 1 _R 0\r\n\r\nPING\r\n-ERR 'no'\r\n"
	want := []string{"INFO {}", "PONG", "MSG rooms.r 1 4|\r\nab", "MSG rooms.r 1 _R 0|", "PING", "-ERR 'no'"}
	for first := range len(stream) {
		for second := first; second < len(stream); second++ {
			var s natsStream
			var got []string
			for _, piece := range []string{stream[:first], stream[first:second], stream[second:]} {
				err := s.take([]byte(piece), func(operation, payload []byte) {
					text := string(operation)
					if payload != nil {
						text += "|" + string(payload)
					}
					got = append(got, text)
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("cut at %d and %d: %q", first, second, got)
			}
		}
	}
}

func TestNATSStreamBroken(t *testing.T) {
	for _, stream := range []string{"MSG a 1 x\r\n", "MSG a 1 -1\r\n", "MSG \r\n", "MSG a 1 1\r\nabc\r\n"} {
		if err := new(natsStream).take([]byte(stream), func(_, _ []byte) {}); err == nil {
			t.Errorf("%q was taken", stream)
		}
	}
}

func FuzzNATSStream(f *testing.F) {
	f.Add([]byte("INFO {}\r\nMSG rooms.r 1 2\r\nab\r\n"), 9)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		cut = min(max(0, cut), len(data))
		read := func(pieces ...[]byte) (all []string, err error) {
			var s natsStream
			for _, p := range pieces {
				if err = s.take(p, func(o, p []byte) { all = append(all, string(o), string(p)) }); err != nil {
					break
				}
			}
			return all, err
		}
		whole, err1 := read(data)
		pieces, err2 := read(data[:cut], data[cut:])
		if !slices.Equal(whole, pieces) || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%q (%v) became %q (%v) when cut at %d", whole, err1, pieces, err2, cut)
		}
	})
}

func TestWide(t *testing.T) {
	for _, name := range []string{"", "bench-1", sampleID} {
		if w := wide(name); len(w) != wideLength || !strings.HasSuffix(w, name) {
			t.Errorf("%q became %q", name, w)
		}
	}
}
