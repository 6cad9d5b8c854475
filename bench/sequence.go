package bench

// sequence knows which numbers of a room's senders a receiver has had.
type sequence struct {
	next    []uint32              // by sender: the number that must come next
	skipped map[numbered]struct{} // passed over, and perhaps still to come
}

type numbered struct {
	sender int
	number uint32
}

// maxSkipped bounds what is remembered; what is late beyond that counts as doubled.
const maxSkipped = 1024

type arrival uint8

const (
	inTurn arrival = iota
	late           // behind one that its sender sent after it
	again          // it had come before
)

func newSequence(senders int) *sequence {
	return &sequence{next: make([]uint32, senders), skipped: map[numbered]struct{}{}}
}

// take notes a number and says how it came.
func (s *sequence) take(sender int, number uint32) arrival {
	want := s.next[sender]
	if number >= want {
		for n := want; n < number && len(s.skipped) < maxSkipped; n++ {
			s.skipped[numbered{sender, n}] = struct{}{}
		}
		s.next[sender] = number + 1
		return inTurn
	}
	if _, ok := s.skipped[numbered{sender, number}]; ok {
		delete(s.skipped, numbered{sender, number})
		return late
	}
	return again
}
