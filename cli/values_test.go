package cli

import (
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "16384": 16384, "7B": 7, "16KiB": 16 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30,
		"2 TiB": 2 << 40, "1gib": 1 << 30, "5MB": 5e6, "1kb": 1000,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "12XB", "1 2", "16 K iB", "9999999999TiB", "99999999999999999999", "0x10", "+5"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, got)
		} else if !strings.Contains(err.Error(), text) {
			t.Errorf("parseSize(%q): %v does not quote it", text, err)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]engine.Rate{
		"off":            {},
		"20/s":           {PerSecond: 20, Burst: 60},
		"20/s,burst=60":  {PerSecond: 20, Burst: 60},
		"20/s, burst 7":  {PerSecond: 20, Burst: 7},
		"90/m":           {PerSecond: 1.5, Burst: 270},
		"3600/h,burst=1": {PerSecond: 1, Burst: 1},
	} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("parseRate(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "20", "20/d", "/s", "0/s", "20/s,burst=0", "-1/s", "1.5/s", "20/s,60", "5/s, burst = 15", "OFF", "99999999999/s", "20/s,burst=2000000000"} {
		if got, err := parseRate(text); err == nil {
			t.Errorf("parseRate(%q) = %v, want an error", text, got)
		}
	}
}

// FuzzValues: no text makes a parser panic or return what no flag should hold.
func FuzzValues(f *testing.F) {
	for _, text := range []string{"256MiB", "20/s,burst=60", "off", "10.0.0.0/8,loopback", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); err == nil && n < 0 {
			t.Errorf("size %q is %d", text, n)
		}
		if r, err := parseRate(text); err == nil && (r.PerSecond < 0 || r.PerSecond > 0 && r.Burst < 1) {
			t.Errorf("rate %q is %v", text, r)
		}
		var c Config
		for _, s := range settings {
			_ = s.set(&c, text)
		}
	})
}

func TestDidYouMean(t *testing.T) {
	for word, want := range map[string]string{
		"sevre": "serve", "serv": "serve", "Serve": "serve", "versoin": "version", "ops-adr": "ops-addr",
		"": "", "x": "", "attic": "", "dance": "",
	} {
		got := didYouMean(word, []string{"serve", "version", "ops-addr"})
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("didYouMean(%q) = %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"ca", "abc", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
