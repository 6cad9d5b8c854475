package bench

import (
	"math"
	"strconv"
	"strings"
)

// short writes an axis's value.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return trimmed(v/1e6) + " M"
	case v >= 1e4:
		return trimmed(v/1e3) + " k"
	case v >= 1e3:
		return grouped(v)
	}
	return trimmed(v)
}

// trimmed writes a number without the noise of binary fractions.
func trimmed(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// figureOf writes a number with about three digits.
func figureOf(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return grouped(v)
}

// grouped writes a whole number with commas between thousands.
func grouped[N int | int64 | uint64 | float64](n N) string {
	s := strconv.FormatFloat(math.Round(float64(n)), 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// number64 reads a constant.
func number64(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64)
	return v
}
