package nemesis

import (
	"fmt"
	"strings"
	"time"
)

// Trouble is a sort of fault.
type Trouble string

// The troubles. Those of a cut are named from the victim's side.
const (
	Kill    Trouble = "kill -9"
	Wipe    Trouble = "kill -9, disk lost"
	Strand  Trouble = "partition, then disk lost"
	Pause   Trouble = "SIGSTOP"
	Drain   Trouble = "SIGTERM"
	Rolling Trouble = "rolling restart"
	Isolate Trouble = "partition"
	Deaf    Trouble = "one-way, cannot hear"
	Mute    Trouble = "one-way, cannot speak"
	Unlink  Trouble = "two nodes cut"
	Slow    Trouble = "delay"
	Lossy   Trouble = "loss"
	Skew    Trouble = "clock skew"
	BadDisk Trouble = "slow disk"
	Full    Trouble = "full disk"
	Replace Trouble = "leave, new node joins"
)

// Troubles is all of them.
var Troubles = []Trouble{Kill, Wipe, Strand, Pause, Drain, Rolling, Isolate, Deaf, Mute, Unlink, Slow, Lossy, Skew, BadDisk, Full, Replace}

// Fault is one trouble with one node.
type Fault struct {
	Trouble Trouble
	Victim  int
	Other   int // of Unlink
	For     time.Duration
	Rule    Rule          // of Slow and Lossy
	Skew    time.Duration // of Skew
	Sync    time.Duration // that each sync takes more, of BadDisk
	Grace   time.Duration // for which a Full disk still takes what is written
}

func (f Fault) String() string {
	words := []string{string(f.Trouble)}
	if f.Trouble != Rolling {
		words = append(words, fmt.Sprintf("node %d", f.Victim))
	}
	switch f.Trouble {
	case Unlink:
		words = append(words, fmt.Sprintf("and %d", f.Other))
	case Slow, Lossy:
		words = append(words, f.Rule.String())
	case Skew:
		words = append(words, f.Skew.String())
	case BadDisk:
		words = append(words, f.Sync.String()+" a sync")
	case Full:
		words = append(words, "seen "+f.Grace.String()+" before")
	}
	return strings.Join(append(words, "for "+f.For.String()), " ")
}

// wipes reports whether a disk goes without the others having what it held.
func (f Fault) wipes() bool { return f.Trouble == Wipe || f.Trouble == Strand }
