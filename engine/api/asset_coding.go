package api

import (
	"path"
	"strconv"
	"strings"
)

// identity is the coding of a file as it is (RFC 9110, 12.5.3).
const identity = "identity"

// packed are the suffixes of the files that hold their neighbour in a coding.
var packed = []struct{ suffix, coding string }{{".br", "br"}, {".zst", "zstd"}, {".gz", "gzip"}}

func isPacked(name string) bool {
	for _, p := range packed {
		if path.Ext(name) == p.suffix {
			return true
		}
	}
	return false
}

// choose returns the form to answer with: of those to which the client gives
// its highest weight, the smallest. Browsers weigh all codings alike, so the
// size decides; who does weigh them has a reason. Where the client takes
// nothing that there is, it is sent the file as it is: RFC 9110, 12.4.1 allows
// that instead of 406, and an answer is of more use.
func (a *asset) choose(accept string) encoded {
	best, most := a.plain(), refused
	for _, f := range a.forms {
		if q := weight(accept, f.coding); q > most {
			best, most = f, q
		}
	}
	return best
}

// The weights are qvalues in thousandths. A file as it is need not be named to
// be taken, and then comes after all that is.
const (
	refused = 0
	unnamed = 1
)

// weight returns what an Accept-Encoding field gives a coding: its own weight,
// else that of "*". The first of two weights of one coding holds.
func weight(accept, coding string) int {
	rest := -1
	for member := range strings.SplitSeq(accept, ",") {
		name, q, ok := readMember(member)
		switch {
		case !ok:
		case name == coding:
			return q
		case name == "*" && rest < 0:
			rest = q
		}
	}
	switch {
	case rest >= 0:
		return rest
	case coding == identity:
		return unnamed
	}
	return refused
}

// readMember reads one coding with its weight. One that is not well formed is
// as if it were not there.
func readMember(member string) (name string, q int, ok bool) {
	name, param, weighed := strings.Cut(member, ";")
	name = strings.ToLower(trimOWS(name))
	if name == "x-gzip" { // RFC 9110, 8.4.1.3
		name = "gzip"
	}
	if !weighed {
		return name, 1000, name != ""
	}
	param = trimOWS(param)
	if len(param) < 2 || !strings.EqualFold(param[:2], "q=") {
		return "", 0, false
	}
	q, ok = qvalue(param[2:])
	return name, q, ok && name != ""
}

// qvalue reads a weight (RFC 9110, 12.4.2) in thousandths.
func qvalue(s string) (int, bool) {
	whole, decimals, _ := strings.Cut(s, ".")
	if whole != "0" && whole != "1" || len(decimals) > 3 {
		return 0, false
	}
	q, err := strconv.ParseUint(whole+(decimals + "000")[:3], 10, 16)
	return int(q), err == nil && q <= 1000
}

// trimOWS removes what may stand around the parts of a field (RFC 9110, 5.6.3).
func trimOWS(s string) string { return strings.Trim(s, " \t") }
