package socket

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const deflateExtension = "permessage-deflate"

// offersDeflate reports whether one of the client's offers can be accepted as
// RFC 7692, section 7.1 has it, with the answer that gws gives:
// server_no_context_takeover and client_no_context_takeover, which need not be
// asked for, and nothing else. A request that leaves no such offer goes
// without the extension.
func offersDeflate(h http.Header) bool {
	return slices.ContainsFunc(tokens(h, "Sec-WebSocket-Extensions"), acceptableOffer)
}

func acceptableOffer(offer string) bool {
	name, rest, more := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != deflateExtension {
		return false
	}
	var seen []string
	for more {
		var parameter string
		parameter, rest, more = strings.Cut(rest, ";")
		key, value, hasValue := strings.Cut(parameter, "=")
		key = strings.TrimSpace(key)
		if slices.Contains(seen, key) || !acceptableParameter(key, strings.TrimSpace(value), hasValue) {
			return false
		}
		seen = append(seen, key)
	}
	return true
}

// acceptableParameter leaves out server_max_window_bits: to accept it is to
// answer it, and frames that are shared have one window for all.
func acceptableParameter(key, value string, hasValue bool) bool {
	switch key {
	case "server_no_context_takeover", "client_no_context_takeover":
		return !hasValue
	case "client_max_window_bits": // what the client can do; it is not told to
		return !hasValue || validWindowBits(value)
	}
	return false
}

func validWindowBits(value string) bool {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	bits, err := strconv.ParseUint(value, 10, 8)
	return err == nil && bits >= 8 && bits <= 15 && value[0] != '0'
}
