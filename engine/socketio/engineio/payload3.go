package engineio

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Payloads of Engine.IO v3. As text they are "length:packet", where the length
// counts UTF-16 code units, as JavaScript does. As bytes, which clients send
// where something in them is binary, they are a 0 for text or a 1, the length in
// bytes as digits of one byte each, 255, and the packet.

// maxDigits is more than any length needs that fits into a payload.
const maxDigits = 10

func decodeTextV3(body []byte, f func(packet) bool) error {
	for first := true; first || len(body) > 0; first = false {
		digits, rest, found := bytes.Cut(body, []byte{':'})
		if !found || len(digits) > maxDigits {
			return errPacket
		}
		length, err := strconv.ParseUint(string(digits), 10, 64)
		if err != nil {
			return errPacket
		}
		end, ok := skipUTF16(rest, length)
		if !ok {
			return errPacket
		}
		text := rest[:end]
		if body = rest[end:]; len(text) == 0 {
			continue // "0:", which is how no packets are written
		}
		p, err := parsePosted(3, text)
		if err != nil {
			return err
		}
		if !f(p) {
			return nil
		}
	}
	return nil
}

// skipUTF16 returns where so many code units of text end.
func skipUTF16(text []byte, units uint64) (end int, ok bool) {
	for units > 0 {
		r, size := utf8.DecodeRune(text[end:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return 0, false
		case r > 0xffff && units == 1:
			return 0, false
		case r > 0xffff:
			units--
		}
		units--
		end += size
	}
	return end, true
}

func decodeBinaryV3(body []byte, f func(packet) bool) error {
	for first := true; first || len(body) > 0; first = false {
		one, isBinary, rest, ok := cutBinaryV3(body)
		if !ok {
			return errPacket
		}
		p, err := parsePacketV3(isBinary, one)
		if err != nil {
			return err
		}
		if !f(p) {
			return nil
		}
		body = rest
	}
	return nil
}

func parsePacketV3(isBinary bool, one []byte) (packet, error) {
	if isBinary {
		return parseMessage(3, true, one)
	}
	return parsePosted(3, one)
}

// cutBinaryV3 takes the first packet off a payload.
func cutBinaryV3(body []byte) (one []byte, isBinary bool, rest []byte, ok bool) {
	if len(body) == 0 || body[0] > 1 {
		return nil, false, nil, false
	}
	at, length := 1, 0
	for ; at < len(body) && body[at] != 255; at++ {
		if body[at] > 9 || at > maxDigits {
			return nil, false, nil, false
		}
		length = length*10 + int(body[at])
	}
	if at == 1 || at >= len(body) || length > len(body)-at-1 {
		return nil, false, nil, false
	}
	begin := at + 1
	return body[begin : begin+length], body[0] == 1, body[begin+length:], true
}

func addV3(out []byte, isBinary bool, payload []byte) []byte {
	if isBinary {
		length := 2 + base64.StdEncoding.EncodedLen(len(payload))
		out = append(strconv.AppendInt(out, int64(length), 10), ':', 'b', byte(typeMessage))
		return base64.StdEncoding.AppendEncode(out, payload)
	}
	out = append(strconv.AppendInt(out, int64(utf16Len(payload)), 10), ':')
	return append(out, payload...)
}

func utf16Len(text []byte) (units int) {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if units++; r > 0xffff {
			units++
		}
		text = text[size:]
	}
	return units
}
