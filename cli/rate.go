package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

var (
	rateForm  = regexp.MustCompile(`^(\d+)/([smh])(?:\s*,\s*burst[= ](\d+))?$`)
	rateUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
)

// burstFactor is the burst where none is named: the default's, 60 for 20/s.
const burstFactor = 3

// parseRate reads "20/s", "20/s,burst=60" (or "20/s, burst 60"), and "off".
func parseRate(text string) (engine.Rate, error) {
	if text == "off" {
		return engine.Rate{}, nil
	}
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		return engine.Rate{}, fmt.Errorf("%q is not a rate: write 20/s, 20/s,burst=60 or off", text)
	}
	count, err := positive(m[1])
	if err != nil {
		return engine.Rate{}, fmt.Errorf("rate %q: %w", text, err)
	}
	burst := burstFactor * count
	if m[3] != "" {
		if burst, err = positive(m[3]); err != nil {
			return engine.Rate{}, fmt.Errorf("burst of %q: %w", text, err)
		}
	}
	return engine.Rate{PerSecond: float64(count) / rateUnits[m[2]].Seconds(), Burst: burst}, nil
}

// positive keeps counts far below where arithmetic on them could overflow.
func positive(digits string) (int, error) {
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n > 1e9 {
		return 0, errors.New("the number is too large")
	}
	if n == 0 {
		return 0, errors.New("the number must be at least 1; off is no limit")
	}
	return int(n), nil
}
