package cli

import (
	"testing"
	"time"
)

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "12h": 12 * time.Hour, "30d": 720 * time.Hour, "1h30m": 90 * time.Minute,
		"0": 0, "-1h": 0, "-3d": 0, "d": 0, "": 0, "soon": 0, "1.5d": 0, "99999999999d": 0, "1000000d": 0, "9223372036854775807d": 0,
	} {
		got, err := parseSpan(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"2026-01-31T12:30:00Z":      "2026-01-31T12:30:00Z",
		"2026-01-31T12:30:00+02:00": "2026-01-31T10:30:00Z",
		"30d":                       "2026-03-01T12:00:00Z",
		"90m":                       "2026-03-31T10:30:00Z",
	} {
		if got, err := parseMoment(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q is %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-13-01", "31.01.2026", "-1h"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
