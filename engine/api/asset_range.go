package api

import (
	"math"
	"strconv"
	"strings"
)

// maxRanges of one request: many small ones cost more to frame than the file
// has bytes, so a request for more is answered with the whole (RFC 9110, 14.2).
const maxRanges = 16

// normalRanges reads a Range field (RFC 9110, 14.1 and 14.2) for a file of size
// bytes and writes it as http.ServeContent reads it right. Nothing comes of a
// field that is not to be heeded: of another unit, not well formed, or with too
// many ranges. ServeContent would refuse the first two with 416, and send an
// empty part for "-0".
func normalRanges(lines []string, size int64) string {
	if len(lines) != 1 {
		return "" // it is no list field: two are nonsense
	}
	unit, set, ok := strings.Cut(lines[0], "=")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return ""
	}
	var within []string
	asked := 0
	for spec := range strings.SplitSeq(set, ",") {
		if spec = trimOWS(spec); spec == "" {
			continue // RFC 9110, 5.6.1.2
		}
		first, last, ok := readRange(spec, size)
		if asked++; !ok || asked > maxRanges {
			return ""
		}
		if first < size {
			within = append(within, strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(last, 10))
		}
	}
	switch {
	case asked == 0:
		return ""
	case len(within) == 0:
		return "bytes=" + strconv.FormatInt(size, 10) + "-" // past the end: 416
	}
	return "bytes=" + strings.Join(within, ",")
}

// readRange reads one range and cuts it to the file. Where nothing is left,
// first is past the end.
func readRange(spec string, size int64) (first, last int64, ok bool) {
	from, to, ok := strings.Cut(spec, "-")
	if !ok || from == "" && to == "" {
		return 0, 0, false
	}
	if from == "" {
		n, ok := readNumber(to)
		return size - min(n, size), size - 1, ok
	}
	if first, ok = readNumber(from); !ok || to == "" {
		return first, size - 1, ok
	}
	last, ok = readNumber(to)
	return first, min(last, size-1), ok && first <= last
}

// readNumber reads digits; what is too large is as large as can be.
func readNumber(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, true
}
