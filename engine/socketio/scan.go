package socketio

import "encoding/json"

// The functions here walk over JSON without reading its values. What depth says
// is an upper bound for any bytes; the others expect JSON that was checked.

// walk calls at for each bracket and each comma outside strings, with how many
// brackets are open around it, until at returns false.
func walk(data []byte, at func(i, depth int) bool) {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i)
		case '[', '{':
			depth++
			if !at(i, depth) {
				return
			}
		case ']', '}', ',':
			if !at(i, depth) {
				return
			}
			if data[i] != ',' {
				depth--
			}
		}
	}
}

// stringEnd is where the string that begins at i ends.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// depth is how many brackets are open at most.
func depth(data []byte) int {
	most := 0
	walk(data, func(_, depth int) bool {
		most = max(most, depth)
		return true
	})
	return most
}

// elements are those of an array, as parts of it.
func elements(array []byte) []json.RawMessage {
	var out []json.RawMessage
	each(array, func(element []byte) bool {
		out = append(out, element)
		return true
	})
	return out
}

// firstElement is nil in an empty array.
func firstElement(array []byte) (first []byte) {
	each(array, func(element []byte) bool {
		first = element
		return false
	})
	return first
}

// each calls f with each element of an array, until f returns false.
func each(array []byte, f func(element []byte) bool) {
	begin := 0
	walk(array, func(i, depth int) bool {
		switch {
		case depth > 1:
		case begin == 0:
			begin = i + 1
		default:
			element := trim(array[begin:i])
			begin = i + 1
			return len(element) == 0 || f(element)
		}
		return true
	})
}

// trim cuts JSON's white space.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
