package cli_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// The crimes of a cluster against a client that comes back.
const (
	crimeMissed    = "missed"
	crimeGap       = "gap"
	crimeDoubled   = "doubled"
	crimeDisorder  = "disorder"
	crimeUntold    = "untold"
	crimeMisled    = "misled"
	crimeInvented  = "invented"
	crimeLost      = "lost"
	crimeTwice     = "twice"
	crimeDiffering = "differing"
)

// recoveryCrimes is all of them, in the order of the report.
var recoveryCrimes = []struct{ crime, meaning string }{
	{crimeMissed, "a message that a client has neither been told nor found in history"},
	{crimeGap, "a message passed over while the client was to believe that nothing is missing, though it came later"},
	{crimeDoubled, "a message told twice on one connection"},
	{crimeDisorder, "two messages of one node told in the wrong order"},
	{crimeUntold, "events without a reset after an offset that was not served"},
	{crimeMisled, "a pid that is nobody's, answered as recovered"},
	{crimeInvented, "a message told and not taken back that is in no history"},
	{crimeLost, "an acknowledged post that is nowhere"},
	{crimeTwice, "a nonce that is two messages, or a message that nobody posted"},
	{crimeDiffering, "a room that is not the same on two nodes"},
}

// fromHistory is the connection of messages that were read and not told.
const fromHistory = -1

// recoveryRecord is what one client of one room was told, over all its connections.
//
// A node's messages are told in the order of its log, so that a new one below
// one that was told before has been passed over: a gap, be it filled later or
// not. Only when the client knows that something is missing, from when it was
// told so until it has read all history, this is as it should be.
type recoveryRecord struct {
	conn    int
	seen    map[engine.ID]int           // on which connection last
	hidden  map[engine.ID]bool          // taken back as repeats of a nonce
	high    map[engine.Origin]engine.ID // told while nothing was missing
	last    map[engine.Origin]engine.ID // told on this connection
	newest  engine.ID
	lacking bool // history is to be read
	owed    bool // a reset is to be told before anything else
	tally   recoveryTally
	charges []recoveryCharge
}

// recoveryTally counts.
type recoveryTally struct {
	connected, fresh, recovered int
	refused                     map[string]int // resets by their reason
	broken                      int            // resets after recovery had been promised
	told, repeats, filled, late int
}

// recoveryCharge is what looks like a crime, until the repeats of nonces are known.
type recoveryCharge struct {
	crime string
	id    engine.ID
	conn  int
}

func newRecoveryRecord() recoveryRecord {
	return recoveryRecord{
		seen: map[engine.ID]int{}, hidden: map[engine.ID]bool{},
		high: map[engine.Origin]engine.ID{}, tally: recoveryTally{refused: map[string]int{}},
	}
}

// connected is the answer to a CONNECT, with an offset or without.
func (r *recoveryRecord) connected(offset, forged, recovered bool) {
	r.conn++
	r.last = map[engine.Origin]engine.ID{}
	r.tally.connected++
	r.owed = offset && !recovered
	switch {
	case recovered && forged:
		r.charge(crimeMisled, engine.ID{})
	case recovered:
		r.tally.recovered++
	case offset:
		r.lacking = true
	default:
		r.tally.fresh++
	}
}

// reset is the event.
func (r *recoveryRecord) reset(reason string) {
	if !r.owed {
		r.tally.broken++
	}
	r.owed = false
	r.tally.refused[reason]++
	r.lacking = true
}

// event is any but ready and reset.
func (r *recoveryRecord) event() {
	if r.owed {
		r.owed = false
		r.charge(crimeUntold, engine.ID{})
	}
}

// message is the event.
func (r *recoveryRecord) message(id engine.ID) {
	r.tally.told++
	from := id.Origin()
	conn, had := r.seen[id]
	switch {
	case !had:
		r.passedOver(id)
	case conn == r.conn:
		r.charge(crimeDoubled, id)
	default:
		r.tally.repeats++
	}
	if id.Compare(r.last[from]) < 0 {
		r.charge(crimeDisorder, id)
	}
	if id.Compare(r.newest) < 0 && !had {
		r.tally.late++
	}
	r.last[from], r.seen[id] = id, r.conn
	r.newest = later(r.newest, id)
	delete(r.hidden, id)
	if !r.lacking {
		r.high[from] = later(r.high[from], id)
	}
}

func later(a, b engine.ID) engine.ID {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}

// passedOver charges a message that is new below one that was told.
func (r *recoveryRecord) passedOver(id engine.ID) {
	if id.Compare(r.high[id.Origin()]) < 0 {
		r.charge(crimeGap, id)
	}
}

// hide takes a message back.
func (r *recoveryRecord) hide(id engine.ID) { r.hidden[id] = true }

// fill is a page of history.
func (r *recoveryRecord) fill(ids []engine.ID) {
	for _, id := range ids {
		delete(r.hidden, id)
		if _, had := r.seen[id]; !had {
			r.passedOver(id)
			r.seen[id] = fromHistory
			r.tally.filled++
		}
	}
}

// filled says that there are no more pages.
func (r *recoveryRecord) filled() { r.lacking = false }

func (r *recoveryRecord) charge(crime string, id engine.ID) {
	r.charges = append(r.charges, recoveryCharge{crime, id, r.conn})
}

// complete reports whether the client has all messages of its room.
func (r *recoveryRecord) complete(room *recoveryTruth) bool {
	return !r.lacking && !slices.ContainsFunc(room.ids, func(id engine.ID) bool { return !r.has(id) })
}

func (r *recoveryRecord) has(id engine.ID) bool {
	_, had := r.seen[id]
	return had && !r.hidden[id]
}

// judge holds the record against what its room has in the end. A message whose
// nonce was repeated may be hidden for a while, and is told again thereafter.
func (r *recoveryRecord) judge(room *recoveryTruth, accuse func(crime, what string)) {
	for _, c := range r.charges {
		if c.id.IsZero() || !room.repeated[c.id] && !r.hidden[c.id] {
			accuse(c.crime, fmt.Sprintf("message %s on connection %d", c.id, c.conn))
		}
	}
	for _, id := range room.ids {
		if !r.has(id) {
			accuse(crimeMissed, fmt.Sprintf("message %s, after %d connections", id, r.conn))
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(r.seen), engine.ID.Compare) {
		if _, there := slices.BinarySearchFunc(room.ids, id, engine.ID.Compare); !there && !r.hidden[id] {
			accuse(crimeInvented, fmt.Sprintf("message %s", id))
		}
	}
}
