package storage

import (
	"bufio"
	"fmt"
	"io"
)

// Dump writes every key and value that is replicated, log and views, as text in
// order: two nodes at one position write the same. What belongs to this node
// alone is left out.
func (s *Store) Dump(w io.Writer) error {
	it, err := s.iter(nil)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if it.Key()[0] == kindLocal {
			continue
		}
		var k key
		if k, err = parseKey(it.Key()); err == nil {
			_, err = fmt.Fprintf(out, "%s = %x\n", &k, it.Value())
		}
	}
	if err = done(it, err); err != nil {
		return err
	}
	return out.Flush()
}
