//go:build race

package storage

// Under the race detector all is some ten times slower: fewer rounds, more schedules.
const slow = 5
