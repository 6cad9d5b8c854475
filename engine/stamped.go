package engine

// Some clients take the cursor of the last frame that came, whatever it was, and
// come back with that. So a frame of an event carries one that is true at this
// very frame, though the connection may end right after it (I5):
//
//   - What a client has of a connection is a prefix of what was sent on it. A
//     queue that is full ends the connection; nothing is left out.
//   - The hub publishes entries in the order in which the node's position grows,
//     and who is attached has been sent all that came before. So with the last
//     frame of an entry the claim is the position after that entry, whatever came
//     from other origins, and not that after its batch.
//   - An entry may tell several things, also in several rooms. All frames but that
//     of its last delivery claim the position before the entry: who is in some of
//     the rooms alone claims too little, is told again, and loses nothing. So do
//     all frames of an entry that could not be told whole.
//   - A session that is served from the ring has had nothing of the entries that
//     it is sent (see missedLocked), and everything before them. So the frames
//     that the others were sent say the truth to it too.
//   - A replay knows for its session alone what has been sent, and claims that.
//
// What is no event has no cursor: the client keeps the one before.

// place tells entries that were committed after a position, one after the other,
// where they stand.
func place(entries []*entry, since Position) {
	for i, en := range entries {
		if i > 0 && entries[i-1].origin != en.origin {
			since = since.With(entries[i-1].origin, entries[i-1].seq)
		}
		en.since = since
		for j := range en.deliveries {
			d := &en.deliveries[j]
			d.of, d.whole = en, j == len(en.deliveries)-1 && !en.broken
		}
	}
}

// reached is the position after an entry (whole) or before it. Between since and
// the entry there is nothing but others of its origin, so that since is shared.
func (en *entry) reached(whole bool) Position {
	seq := en.seq
	if !whole {
		seq--
	}
	if seq <= en.since.Seq(en.origin) {
		return en.since
	}
	return en.since.With(en.origin, seq)
}

// encode returns a delivery's frame.
func (d *delivery) encode(w Wire) []byte {
	if stamped, ok := w.(StampedWire); ok && d.of != nil {
		return stamped.EncodeAt(d.notice, d.of.reached(d.whole).String())
	}
	return w.Encode(d.notice)
}

// tell sends what one event of the log tells, and returns its size.
func (s *Session) tell(notices []any, before, after Position) (sent int) {
	for i, n := range notices {
		at := before
		if i == len(notices)-1 {
			at = after
		}
		f := s.encodeAt(n, at)
		s.conn.Send(f)
		sent += len(f)
	}
	return sent
}

func (s *Session) encodeAt(notice any, at Position) []byte {
	if stamped, ok := s.wire.(StampedWire); ok {
		return stamped.EncodeAt(notice, at.String())
	}
	return s.wire.Encode(notice)
}
