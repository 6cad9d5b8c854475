package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// Tx is one batch of the committer. What it appends goes into a Pebble batch,
// and what later appends may read again into a map over the disk: for registers
// that is cheaper than Pebble's indexed batch, and posts pay for neither.
// It belongs to one goroutine.
type Tx struct {
	s       *Store
	base    heads // at Begin
	batch   *pebble.Batch
	prober  *prober // reads the disk as it was at Begin
	overlay map[string][]byte
	posts   map[engine.ID]*engine.Event // appended posts, whose bytes are only in the batch
	marks   map[engine.Origin]mark
	ends    map[engine.ID]engine.ID              // newest posts of rooms, as roomEnds knows them
	newest  engine.Stamp                         // the highest of any origin
	signIns map[engine.ID]map[engine.ID]struct{} // tokens of each user that the batch has written
	touched map[uint32]struct{}                  // shards of the cache to make stale
	amended []uint32                             // of these, AboutAmended's
	early   int
	count   uint64
	effects engine.Effects // of the event being appended
	err     error          // a disk error in the middle of an event: nothing can be kept
	done    bool

	touchedAll bool // the whole cache
}

// mark is how far an origin has come in this batch.
type mark struct {
	seq   uint64
	stamp engine.Stamp
}

var _ engine.Tx = (*Tx)(nil)

func newTx(s *Store, base heads) *Tx {
	return &Tx{
		s:       s,
		base:    base,
		batch:   s.db.NewBatch(),
		overlay: map[string][]byte{},
		posts:   map[engine.ID]*engine.Event{},
		marks:   map[engine.Origin]mark{},
		ends:    map[engine.ID]engine.ID{},
		newest:  base.newest,
		signIns: map[engine.ID]map[engine.ID]struct{}{},
		touched: map[uint32]struct{}{},
		early:   base.early,
	}
}

// Append implements engine.Tx.
func (t *Tx) Append(e *engine.Event) (bool, engine.Effects, error) {
	if t.err != nil {
		return false, engine.Effects{}, t.err
	}
	last := t.mark(e.Origin)
	if e.Seq <= last.seq {
		return false, engine.Effects{}, nil
	}
	if err := t.admit(e, last); err != nil {
		return false, engine.Effects{}, err
	}
	t.take(e)
	if t.err != nil {
		return false, engine.Effects{}, t.err
	}
	return true, t.effects, nil
}

// take writes an event that has been admitted, and moves its origin's mark.
func (t *Tx) take(e *engine.Event) {
	t.effects = engine.Effects{}
	if t.note(t.apply(e)); t.err != nil {
		return
	}
	t.marks[e.Origin] = mark{e.Seq, e.Stamp}
	t.newest = max(t.newest, e.Stamp)
	t.count++
}

func (t *Tx) mark(o engine.Origin) mark {
	if m, ok := t.marks[o]; ok {
		return m
	}
	return mark{t.base.position.Seq(o), t.base.stamps[o]}
}

// admit refuses an event that would break the log. Nothing has been written yet.
func (t *Tx) admit(e *engine.Event, last mark) error {
	if e.Seq > last.seq+1 {
		return engine.ErrGap
	}
	if e.Origin == 0 || e.Stamp <= last.stamp {
		return &engine.Error{
			Code:    engine.CodeInvalidField,
			Message: fmt.Sprintf("event %s/%d is not later than the one before it", e.Origin, e.Seq),
			Fields:  []engine.FieldError{{Field: "stamp", Code: "malformed"}},
		}
	}
	if e.Payload == nil {
		return t.s.DecodePayload(e)
	}
	return nil
}

// apply writes the log entry and derives the views.
func (t *Tx) apply(e *engine.Event) error {
	if p, ok := e.Payload.(*engine.Posted); ok {
		return t.post(e, p)
	}
	value, err := e.AppendBinary([]byte{entryInline})
	if err != nil {
		return err
	}
	if err := t.batch.Set(logKey(e.Origin, e.Seq), value, nil); err != nil {
		return err
	}
	return t.views(e)
}

// views derives what an inline event means, or notes that nothing was derived.
func (t *Tx) views(e *engine.Event) error {
	if e.Payload == nil {
		return t.set(unknownKey(e.Kind, e.Origin, e.Seq), []byte{})
	}
	return t.derive(e)
}

func (t *Tx) derive(e *engine.Event) error {
	switch p := e.Payload.(type) {
	case *engine.NodeKey:
		return t.nodeKey(e, p)
	case *engine.UserCreated:
		return t.createUser(e, p)
	case *engine.UserUpdated:
		return t.updateUser(e, p)
	case *engine.TokenRevoked:
		return t.revoke(e, p)
	case *engine.TokenIssued:
		return t.signedIn(e, p)
	case *engine.AccountSet:
		return t.setAccount(e, p)
	case *engine.UserBanned:
		return t.ban(idKey(kindUserBan, e.User), banRecord{e.ID(), p.Reason, p.Until, p.By, p.Lifted})
	case *engine.NetBanned:
		return t.ban(textKey(kindNetBan, p.Network), banRecord{e.ID(), p.Reason, p.Until, p.By, p.Lifted})
	case *engine.Invited:
		return t.invited(e, p)
	case *engine.RoomCreated:
		return t.createRoom(e, p)
	case *engine.RoomUpdated:
		return t.updateRoom(e, p)
	case *engine.RoomDeleted:
		return t.deleteRoom(e)
	case *engine.RoomArchived:
		return t.changeRoom(e.Room, func(r *roomRecord) { r.Archived = r.Archived.with(e.ID(), p.Archived) })
	case *engine.MemberSet:
		return t.setMember(e.Room, e.User, e.ID(), p.Role)
	case *engine.Edited:
		return t.edit(e, p)
	case *engine.Deleted:
		return t.remove(e, p)
	case *engine.Reacted:
		return t.react(e, p)
	case *engine.Read:
		return t.read(e, p)
	}
	return nil
}

// Commit implements engine.Tx.
func (t *Tx) Commit() error {
	if t.done {
		return errors.New("the batch is done")
	}
	defer t.Discard()
	if t.err != nil {
		return unavailable("the node could not read its disk", t.err)
	}
	if err := t.s.writable(); err != nil {
		return err
	}
	if t.count == 0 {
		return nil
	}
	if err := t.seal(); err != nil {
		return unavailable("the node could not write its batch", err)
	}
	return t.s.commit(t)
}

// seal writes how far each origin has come.
func (t *Tx) seal() error {
	for o, m := range t.marks {
		if err := t.batch.Set(originKey(kindPosition, o), binary.BigEndian.AppendUint64(nil, m.seq), nil); err != nil {
			return err
		}
	}
	return nil
}

// commit makes a batch durable. Pebble shows a batch to readers before it is
// synced, so the state before it is kept at hand: should the sync fail, readers
// fall back to it and never see again what was not acknowledged.
func (s *Store) commit(t *Tx) error {
	if err := s.awaitRoom(t.batch.Len()); err != nil {
		return err
	}
	before := s.db.NewSnapshot()
	defer s.cache.amend(t.amended)()
	if err := s.sync(t.batch); err != nil {
		return s.fail(before, err)
	}
	s.raise(t)
	h := t.base
	h.advance(t)
	s.appended.Add(t.count)
	s.adopt(h)
	return before.Close()
}

// sync writes a batch with one sync. After an error its fate is open, and
// nothing more may be written.
func (s *Store) sync(b *pebble.Batch) error {
	err := s.db.Apply(b, pebble.Sync)
	if ferr := s.guard.failure(); ferr != nil {
		err = ferr
	}
	return err
}

// fail ends all writing, and leaves readers with the state before.
func (s *Store) fail(before *pebble.Snapshot, err error) error {
	s.guard.trip(err)
	s.fallback.Store(before)
	s.cache.raiseAll()
	return unavailable("the node's disk has failed: nothing was stored", err)
}

// Discard implements engine.Tx.
func (t *Tx) Discard() {
	if t.done {
		return
	}
	t.done = true
	t.close()
	t.s.busy.Store(false)
}

func (t *Tx) close() {
	if t.prober != nil {
		_ = t.prober.close()
	}
	_ = t.batch.Close()
}

// get implements getter.
func (t *Tx) get(key []byte) ([]byte, error) {
	if v, ok := t.overlay[string(key)]; ok {
		return v, nil
	}
	if t.prober == nil {
		var err error
		if t.prober, err = newProber(t.s.view()); err != nil {
			return nil, err
		}
	}
	return t.prober.get(key)
}

// set writes a key and lets the rest of the batch read it. value may not change
// afterwards, and is not nil.
func (t *Tx) set(key, value []byte) error {
	t.overlay[string(key)] = value
	return t.batch.Set(key, value, nil)
}

func (t *Tx) del(key []byte) error {
	t.overlay[string(key)] = nil
	return t.batch.Delete(key, nil)
}

// note keeps the first error: the batch holds half an event then, and cannot be kept.
func (t *Tx) note(err error) {
	if t.err == nil && err != nil {
		t.err = err
	}
}
