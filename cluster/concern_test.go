package cluster

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// answers notes what writes were told.
type answers map[uint64]string

func (a answers) await(c *concern, seq uint64) {
	c.await(seq, func(d engine.Durability, err error) {
		switch {
		case a[seq] != "":
			a[seq] = "twice"
		case errors.Is(err, engine.ErrUnavailable):
			a[seq] = "refused"
		default:
			a[seq] = string(d)
		}
	})
}

func (a answers) want(t *testing.T, seq uint64, what string) {
	t.Helper()
	if a[seq] != what {
		t.Errorf("write %d was told %q, want %q", seq, a[seq], what)
	}
}

func TestI1ConcernOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := newConcern(engine.DurableOne), answers{}
		a.await(c, 1)
		a.want(t, 1, "local") // a cluster of one
		c.members(3)
		a.await(c, 2)
		a.want(t, 2, "local") // nobody is linked
		c.linked(7, true, 0)
		a.await(c, 3)
		a.await(c, 4)
		a.want(t, 3, "")
		c.ack(7, 3)
		a.want(t, 3, "one")
		a.want(t, 4, "")
		c.linked(8, true, 4) // another has had it all along
		a.want(t, 4, "one")
		a.await(c, 4)
	})
}

func TestConcernOneDegrades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := newConcern(engine.DurableOne), answers{}
		c.members(2)
		c.linked(7, true, 0)
		a.await(c, 1)
		time.Sleep(degradeAfter - time.Millisecond)
		c.tick()
		a.want(t, 1, "")
		time.Sleep(time.Millisecond)
		c.tick()
		a.want(t, 1, "local") // the peer does not answer

		a.await(c, 2)
		c.linked(7, false, 0)
		a.want(t, 2, "")
		time.Sleep(lonelyAfter)
		c.tick()
		a.want(t, 2, "local")
		a.await(c, 3)
		a.want(t, 3, "local") // at once, while nobody is linked
		if c.degraded != 3 {
			t.Errorf("%d degraded, want 3", c.degraded)
		}
		c.linked(7, true, 1)
		a.await(c, 4)
		a.want(t, 4, "")
		c.ack(7, 4)
		a.want(t, 4, "one")
	})
}

func TestI1ConcernMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := newConcern(engine.DurableMajority), answers{}
		c.members(5) // two besides this one
		c.linked(7, true, 0)
		if c.within() {
			t.Error("two of five are a majority")
		}
		c.linked(8, true, 0)
		if !c.within() {
			t.Error("three of five are none")
		}
		a.await(c, 1)
		a.await(c, 2)
		c.ack(7, 2)
		a.want(t, 1, "")
		c.ack(8, 1)
		a.want(t, 1, "majority")
		a.want(t, 2, "")
		time.Sleep(refuseAfter)
		c.tick()
		a.want(t, 2, "refused")
	})
}

func TestConcernCloseAnswersAll(t *testing.T) {
	for level, told := range map[engine.Durability]string{engine.DurableOne: "local", engine.DurableMajority: "refused"} {
		c, a := newConcern(level), answers{}
		c.members(3)
		c.linked(7, true, 0)
		a.await(c, 1)
		c.close()
		a.want(t, 1, told)
		a.await(c, 2)
		a.want(t, 2, told)
	}
}

func TestConcernLocalNeverWaits(t *testing.T) {
	c, a := newConcern(engine.DurableLocal), answers{}
	c.members(3)
	c.linked(7, true, 0)
	a.await(c, 1)
	a.want(t, 1, "local")
}
