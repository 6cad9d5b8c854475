// Package storage is engine.Store on Pebble: the log of events and the views
// derived from it, in one store on one disk, with the records and newest pages
// that are read often in Ristretto.
//
// # What it guarantees
//
// What Commit has acknowledged has been synced and is there after a crash, whole (I1).
// A batch is there as a whole or not at all. The log is gapless per origin and
// each event is applied once (I2). Every key outside the node's own range is a
// function of the set of events in the log, whatever order they came in: two
// nodes of one version at one position hold the same bytes (I3), which Dump
// shows. A cached answer is never older than the last commit that has returned (I8);
// whoever keeps answers elsewhere can hold them to that by their marks (subject.go).
//
// A Snapshot holds only what is on stable storage here, at one position. A Seed
// notices pieces that are cut, changed, missing, out of order or of another version,
// a log with a gap, and messages that are not those of the log. Installing one is all or nothing after a crash, and
// loses no event of the node's own (install.go). Both need memory for a few pieces and a
// table's index, whatever the size of the store.
//
// When the disk fails the process lives. Commit returns an error that matches
// engine.ErrUnavailable, nothing of the batch counts, readers go on with what was
// acknowledged, and no batch begins until the store is opened again (guard.go).
// While the disk is nearly full, or tables cannot be written, no batch begins;
// that ends by itself (space.go).
//
// A store does not open whose log goes on behind its position, for a seq would be used twice (I2).
//
// Check (check.go) reads the whole store at one moment, also while it serves, and holds
// everything in it against the log. Rebuild (rebuild.go) makes all that is derived again
// in one step, and says what the log itself has lost.
//
// # What it does not
//
// Readers may see a batch in the moment between Pebble's writing and its sync;
// the feed, which publishes after Commit, may not. Bodies of deleted messages,
// and bodies before an edit, stay in the log: erasing is not deleting. An
// update of an account or room that comes before its creation is kept, and not
// found until then. While a snapshot is installed, readers may for a moment see it
// without the node's own last events; the position moves after that. What a
// snapshot's values mean is not checked: members of a cluster trust each other. A count of unread messages looks at 400 messages at most and
// says what it has seen. Suffixes of names have 25 bits: two later claims of one
// name could look the same, and the earlier is found then. Damage in the middle
// of the newest write-ahead log (not a torn end: a bad disk) may be taken by
// Pebble for the end of the log. Whether a message's body is the one that was written, only
// the checksums of its blocks tell. A store that Pebble cannot open (its manifest is lost, or a
// whole file) can be neither checked nor rebuilt, only restored.
//
// # The way of the data
//
// The committer's Tx puts each event into the log and derives its views at once
// (tx.go), reading registers through a small map over the disk. A post is two
// keys, the log's pointer and the message in its room's time index, and one more
// for a nonce, a reply or each mention. Every field that events can set is a
// register that keeps the version, the event's ID, of its last writer; counts and lists
// follow the registers' changes. An edit or deletion may come before its post and
// then waits by its side under the same keys.
//
// Events of kinds that only a later version knows stay in the log, with a note;
// that version derives their views when it first opens the store (unknown.go).
//
// A snapshot for another node is every key but this node's own, in order, in
// pieces with a running checksum (piece.go, snapshot.go). The other node writes them to
// tables in a directory beside its store (seed.go, tables.go), and Pebble takes
// these in, with a deletion of all that was there before, in one edit.
//
// A page of history is one scan over adjacent keys (history.go): a message, its
// winning edit, its deletion and its counts of reactions lie side by side. The
// table of keys is in keys.go. The newest page of a room is kept, encoded, and a
// reader adds to it what has been posted since (newest.go): the committer pays for no
// reader's cache but by raising a number for each subject that it changes.
//
// # What lost
//
// Of ways to check: deriving posts again too and comparing byte for byte, which is what the
// check does with all else: a store written anew, and as much disk again. Looking up, for each entry,
// what it rests on: a random read for each of millions. Checks of each sort of register by rules
// of their own: they would be the derivations written twice, and a new kind of event would pass unchecked until
// somebody thought of it. Of ways to rebuild: keeping events behind a gap, or filling it with placeholders, which
// breaks I2 or has two nodes hold other events under one name.
//
// An index of views apart from the log, in SQL: two syncs a batch, or one that
// covers both and no page as one scan. Message bytes in the log with the time index
// pointing there: a read for each message of each page. Pebble's indexed batch
// in place of the map: every post would pay for what few events read. Counts of
// reactions under a key for each emoji: the same scan, but looking up one message
// inside a batch would need a merged iterator. Sending a checkpoint's files to a new node: less work,
// but with the sender's own keys in them, and nothing that a receiver with events of its
// own could merge. Pebble's excise in place of range deletions: it takes the keys away
// from open snapshots too, which readers fall back to. Deleting from Ristretto at a
// commit: a late fill would undo it (cache.go). The committer adding to kept pages: it
// would encode what nobody may ask for, in everybody's way.
package storage
