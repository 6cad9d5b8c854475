package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
}

// parseSize reads a number of bytes: 16384, 16KiB, 256MiB, 1GB.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit, known := sizeUnits[strings.ToLower(strings.TrimSpace(text[len(digits):]))]
	n, err := strconv.ParseUint(digits, 10, 63)
	if !known || err != nil {
		return 0, fmt.Errorf("%q is not a size: write bytes as 16384, 16KiB, 256MiB or 1GiB", text)
	}
	if int64(n) > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is more than any machine has", text)
	}
	return int64(n) * unit, nil
}
