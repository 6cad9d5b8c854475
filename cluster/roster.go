package cluster

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// maxSeats bounds the roster: a position's text holds some 250 origins.
const maxSeats = 250

// rosterName is the roster's name among the store's local values.
const rosterName = "cluster/roster"

// seat is one node that belongs to the cluster, alive or dead, or that once did.
// Of two records of one node the higher version counts.
type seat struct {
	Origin  engine.Origin `cbor:"1,keyasint"`
	Version uint64        `cbor:"2,keyasint"`
	Left    bool          `cbor:"3,keyasint,omitempty"`
	Address string        `cbor:"4,keyasint,omitempty"`
	Public  string        `cbor:"5,keyasint,omitempty"`
}

func (s *seat) newer(than *seat) bool {
	return s.Version > than.Version || (s.Version == than.Version && s.Left && !than.Left)
}

// roster says who counts: every member that ever joined, dead ones too, until it
// is forgotten. A majority is one of the roster; were the dead not counted, each
// half of a cut cluster would be a majority of itself.
//
// It is not safe for concurrent use: Cluster.mu guards it.
type roster map[engine.Origin]seat

// merge takes what others know, and reports whether that changed anything.
func (r roster) merge(seats []seat) (changed bool) {
	for _, s := range seats {
		have, ok := r[s.Origin]
		if s.Origin == 0 || (ok && !s.newer(&have)) || (!ok && len(r) >= maxSeats) {
			continue
		}
		r[s.Origin] = s
		changed = true
	}
	return changed
}

// sit gives a node a seat, or notes its new addresses.
func (r roster) sit(o engine.Origin, address, public string) (changed bool) {
	s, ok := r[o]
	if ok && !s.Left && s.Address == address && s.Public == public {
		return false
	}
	if !ok && len(r) >= maxSeats {
		return false
	}
	r[o] = seat{Origin: o, Version: s.Version + 1, Address: address, Public: public}
	return true
}

// rise takes a node's seat away.
func (r roster) rise(o engine.Origin) error {
	s, ok := r[o]
	if !ok {
		return fmt.Errorf("the cluster knows no node %s", o)
	}
	s.Version, s.Left = s.Version+1, true
	r[o] = s
	return nil
}

// seats counts those who belong to the cluster.
func (r roster) seats() (n int) {
	for _, s := range r {
		if !s.Left {
			n++
		}
	}
	return n
}

// list returns all records in order of origin.
func (r roster) list() []seat {
	all := make([]seat, 0, len(r))
	for _, s := range r {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b seat) int { return cmp.Compare(a.Origin, b.Origin) })
	return all
}

func encodeRoster(r roster) []byte { return encodeFrame(frameRoster, r.list())[1:] }

func parseRoster(b []byte) (roster, error) {
	var seats []seat
	if err := decodeFrame(b, &seats); err != nil {
		return nil, err
	}
	r := roster{}
	r.merge(seats)
	return r, nil
}
