// Package portable is the form in which a log of events leaves a store and enters
// another: JSON Lines (https://jsonlines.org) that people and other programs can read.
//
// # The form, version 1
//
// The first line is a header (header.go), then comes a line for each event in order
// of id, then a trailer with the number of events and the SHA-256 of all bytes before
// it. Every line ends with a newline. What is in the header's position and not in its
// "after" is in the file, gapless for each origin, and nothing else.
//
//	{"klatch_export":1,"klatch":"1.4.0","node":"7f97c18515774584","at":"...","position":"AX-X...","bodies":"shown","secrets":false}
//	{"origin":"7f97c18515774584","seq":7,"id":"01JD...","at":"...","kind":"message_posted","room":"01JD...","user":"01JD...","body":"tea?"}
//	{"events":1,"sha256":"9f86..."}
//
// An event has origin, seq, id, at, kind, and room and user where it has any; then the
// fields of its kind as table.go names them. "at" says again what the id says. A field is there if and only if the
// event says something of it, so that a reader has the event again to the byte.
// What a later version has added is kept too: a field that this one has no name for is
// in "extra", by its number, and the content of a kind that it does not know, "kind_200", is
// in "data", both as base64 of their CBOR (RFC 8949).
//
// # What is left out
//
// A Fate says what of an event stays behind. Its line names the fields in "withheld". Text is then
// empty, and everything else absent. The event itself is always there: a log without
// gaps is what makes the same views.
//
// # What a Reader holds
//
// A Reader believes nothing: a line that is too long, is not JSON, holds a name twice or
// one that it does not know, a wrong type, an event out of order, a gap, a wrong count or checksum
// are each an error with the number of the line. It needs memory for a line and a number for
// each origin.
//
// # What lost
//
// Content as bare CBOR in base64: a codec of ten lines, and nothing that anybody else
// could read. encoding/json on the payload structs: it drops what they have no field
// for, and cannot tell a field that is empty from one that is not there.
package portable
