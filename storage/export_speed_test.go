package storage

import (
	"crypto/sha256"
	"errors"
	"flag"
	"io"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

var exportSpeed = flag.Int("storage.export", 0, "messages of TestExportSpeed; its ratio is held from 1000000")

const (
	speedRooms = 1000
	speedClaim = 1_000_000
	speedRatio = 0.25 // of a bare scan
)

// TestExportSpeed writes an export of many messages in many rooms, beside a bare scan
// of the same store in the same run. Both are rates of messages.
func TestExportSpeed(t *testing.T) {
	if *exportSpeed == 0 {
		t.Skip("measures only with -storage.export=1000000")
	}
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fillRooms(t, s, *exportSpeed)
	best := [2]time.Duration{1 << 62, 1 << 62}
	size := 0
	for range 3 {
		for i, run := range []func(*testing.T, *Store) int{bareScan, exportAll} {
			began := time.Now()
			n := run(t, s)
			best[i] = min(best[i], time.Since(began))
			size = n
		}
	}
	rate := func(d time.Duration) float64 { return float64(*exportSpeed) / d.Seconds() }
	ratio := rate(best[1]) / rate(best[0])
	t.Logf("scan %.0f messages/s; export %.0f messages/s (%d MiB in %v): %.2f of the scan", rate(best[0]), rate(best[1]), size>>20, best[1], ratio)
	if *exportSpeed >= speedClaim {
		importAgain(t, s)
	}
	if *exportSpeed >= speedClaim && ratio < speedRatio {
		t.Errorf("the export runs at %.2f of the rate of a scan, less than %.2f", ratio, speedRatio)
	}
}

// fillRooms posts to many rooms, so that neighbours in time are seldom of one room.
func fillRooms(t *testing.T, s *Store, messages int) {
	p := newPoster(s)
	for range (messages + benchBatch - 1) / benchBatch {
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for range benchBatch {
			room := p.seq * 7919 % speedRooms
			p.room = engine.ID{1, byte(room >> 8), byte(room)}
			if _, _, err := tx.Append(p.next()); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{0xFF}, false); err != nil {
		t.Fatal(err)
	}
}

// bareScan steps over every key and value.
func bareScan(t *testing.T, s *Store) (size int) {
	it, err := s.db.NewIter(&pebble.IterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			t.Fatal(err)
		}
		size += len(it.Key()) + len(v)
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return size
}

// importAgain holds the views that an import of a whole export makes against the store's: I3.
func importAgain(t *testing.T, s *Store) {
	again, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	r, w := io.Pipe()
	exported := make(chan error, 1)
	go func() {
		_, err := s.Export(t.Context(), w, ExportOptions{Everything: true, Secrets: true})
		exported <- errors.Join(err, w.CloseWithError(err))
	}()
	began := time.Now()
	done, err := again.Import(t.Context(), r, nil)
	took := time.Since(began)
	r.CloseWithError(errors.New("the import has ended"))
	if err := errors.Join(err, <-exported); err != nil {
		t.Fatal(err)
	}
	t.Logf("import %.0f messages/s", float64(done.Events)/took.Seconds())
	if dumpSum(t, s) != dumpSum(t, again) {
		t.Error("I3: the stores differ")
	}
}

func dumpSum(t *testing.T, s *Store) [sha256.Size]byte {
	sum := sha256.New()
	if err := s.Dump(sum); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

type counted struct{ n int }

func (c *counted) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func exportAll(t *testing.T, s *Store) int {
	var out counted
	if _, err := s.Export(t.Context(), &out, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.n
}
