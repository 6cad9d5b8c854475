package engineio

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// separator stands between the packets of a payload of Engine.IO v4.
const separator = 0x1e

// decodePayload calls f for each packet of a POST until f returns false. The
// packets before a malformed one have been handed over when it returns the error.
func decodePayload(protocol int, isBinary bool, body []byte, f func(packet) bool) error {
	switch {
	case protocol == 3 && isBinary:
		return decodeBinaryV3(body, f)
	case protocol == 3:
		return decodeTextV3(body, f)
	case isBinary:
		return errPacket
	}
	for more := true; more; {
		var one []byte
		one, body, more = bytes.Cut(body, []byte{separator})
		p, err := parsePosted(4, one)
		if err != nil {
			return err
		}
		if !f(p) {
			return nil
		}
	}
	return nil
}

// parsePosted reads one text packet out of a payload.
func parsePosted(protocol int, text []byte) (packet, error) {
	switch {
	case len(text) > 0 && text[0] == 'b':
		return parseBase64(protocol, text[1:])
	case !utf8.Valid(text):
		return packet{}, errPacket
	}
	return parseText(text)
}

// parseBase64 reads a binary message written as text, without its "b".
func parseBase64(protocol int, text []byte) (packet, error) {
	if protocol == 3 {
		if len(text) == 0 || text[0] != byte(typeMessage) {
			return packet{}, errPacket
		}
		text = text[1:]
	}
	text = bytes.TrimRight(text, "=")
	data := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	if _, err := base64.RawStdEncoding.Decode(data, text); err != nil {
		return packet{}, errPacket
	}
	return packet{kind: typeMessage, binary: true, data: data}, nil
}

// encodePayload writes the answer to a poll: every packet of the frames.
func encodePayload(protocol int, frames [][]byte) ([]byte, error) {
	size := 0
	for _, f := range frames {
		size += len(f)
	}
	out := make([]byte, 0, size)
	add := addV4
	if protocol == 3 {
		add = addV3
	}
	for _, f := range frames {
		err := eachFrame(f, func(isBinary bool, payload []byte) { out = add(out, isBinary, payload) })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func addV4(out []byte, isBinary bool, payload []byte) []byte {
	if len(out) > 0 {
		out = append(out, separator)
	}
	if isBinary {
		return base64.StdEncoding.AppendEncode(append(out, 'b'), payload)
	}
	return append(out, payload...)
}
