package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

// longestSpan keeps times within what RFC 3339 can write.
const longestSpan = 200 * 365 * 24 * time.Hour

// parseSpan reads a length of time as Go writes it, and days: 90m, 12h, 30d.
func parseSpan(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); err != nil && ok {
		var n int64
		if n, err = strconv.ParseInt(days, 10, 32); err == nil {
			d = min(time.Duration(min(n, 1e6))*24*time.Hour, longestSpan+1)
		}
	}
	if err != nil || d <= 0 || d > longestSpan {
		return 0, fmt.Errorf("%q is not a length of time: write 90m, 12h or 30d", text)
	}
	return d, nil
}

// parseMoment reads a time, a day (its beginning in UTC), or how long ago it was.
func parseMoment(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	d, err := parseSpan(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time: write 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 90m, 12h, 30d", text)
	}
	return now.Add(-d).UTC(), nil
}

// spanFlag is a flag's length of time; 0 where it is not given.
func spanFlag(c *cli.Context, name string) (time.Duration, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	d, err := parseSpan(c.String(name))
	if err != nil {
		return 0, usageErrorf(c, "--%s: %w", name, err)
	}
	return d, nil
}

// momentFlag is a flag's time; 0 where it is not given.
func momentFlag(c *cli.Context, name string) (engine.Time, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	t, err := parseMoment(c.String(name), time.Now())
	if err != nil {
		return 0, usageErrorf(c, "--%s: %w", name, err)
	}
	return engine.Time(t.UnixMilli()), nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
