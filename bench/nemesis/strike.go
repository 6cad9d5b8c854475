package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"
)

// strikes carries out faults on a fleet.
type strikes struct {
	fleet  *fleet
	warden *warden
}

// strike does one fault from its beginning to its healing. An error is a node
// that did not come back as it should.
func (s *strikes) strike(ctx context.Context, f Fault) error {
	n := s.fleet.nodes[f.Victim]
	switch f.Trouble {
	case Kill:
		return s.away(ctx, n, f.For, n.kill)
	case Wipe:
		return s.loseDisk(ctx, n, f.For, func() {})
	case Strand: // what it acknowledges alone goes with it
		s.network(f, Rule{Drop: true}, Rule{Drop: true})
		hold(ctx, f.For)
		return s.loseDisk(ctx, n, 0, func() { s.network(f, Rule{}, Rule{}) })
	case Drain:
		return s.away(ctx, n, f.For, n.drain)
	case Rolling:
		return s.rolling(ctx, f.For)
	case Replace:
		return s.away(ctx, n, f.For, func() error { return s.leave(ctx, n) })
	case Pause:
		if err := n.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		hold(ctx, f.For)
		return n.signal(syscall.SIGCONT)
	case Skew:
		return s.disturb(ctx, n, f.For, Disturbance{SkewMS: f.Skew.Milliseconds()})
	case BadDisk:
		return s.disturb(ctx, n, f.For, Disturbance{Disk: diskSlow, SlowMS: f.Sync.Milliseconds()})
	case Full:
		return s.full(ctx, n, f)
	}
	out, in := f.rules()
	s.network(f, out, in)
	hold(ctx, f.For)
	s.network(f, Rule{}, Rule{})
	return nil
}

// hold is the time of a fault.
func hold(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// away ends a node, waits, and starts it again.
func (s *strikes) away(ctx context.Context, n *node, d time.Duration, end func() error) error {
	err := end()
	hold(ctx, d)
	if n.alive() { // it would not end, and that is in err
		err = errors.Join(err, n.kill())
	}
	return errors.Join(err, n.start(ctx))
}

// loseDisk ends a node and its disk. What starts in its place is another member.
func (s *strikes) loseDisk(ctx context.Context, n *node, d time.Duration, then func()) error {
	id, err := n.self(ctx)
	if err != nil {
		return err
	}
	err = s.away(ctx, n, d, func() error {
		defer then()
		return errors.Join(n.kill(), n.wipe())
	})
	return errors.Join(err, s.fleet.forget(ctx, n, id))
}

// rolling restarts every node, as an operator does with a new version: the next
// one only when the one before is ready.
func (s *strikes) rolling(ctx context.Context, d time.Duration) error {
	for _, n := range s.fleet.nodes {
		if err := s.away(ctx, n, d/time.Duration(len(s.fleet.nodes)), n.drain); err != nil {
			return err
		}
	}
	return nil
}

// leave has a node leave for good. What comes after in its place has a new disk.
func (s *strikes) leave(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	if _, err := n.command(ctx, "cluster", "leave"); err != nil {
		return err
	}
	if err := n.ended(ctx); err != nil {
		return err
	}
	return n.wipe()
}

func (s *strikes) disturb(ctx context.Context, n *node, d time.Duration, what Disturbance) error {
	if err := what.write(n.control()); err != nil {
		return err
	}
	hold(ctx, d)
	return Disturbance{}.write(n.control())
}

// full fills the disk and then makes room again. A node whose write failed
// before it saw that there was no space takes none until it is started again.
func (s *strikes) full(ctx context.Context, n *node, f Fault) error {
	if err := s.disturb(ctx, n, f.For, Disturbance{Disk: diskFull, GraceMS: f.Grace.Milliseconds()}); err != nil {
		return err
	}
	ctx2, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := s.warden.writable(ctx2, n); err == nil || ctx.Err() != nil {
		return nil
	}
	if f.Grace > 0 {
		return fmt.Errorf("node %d had time to see that its disk was full, and takes no writes when there is room again", n.index)
	}
	return s.away(ctx, n, 0, n.drain)
}

// rules are those of a fault of the network: from the victim, and to it.
func (f Fault) rules() (out, in Rule) {
	cut := Rule{Drop: true}
	switch f.Trouble {
	case Deaf:
		return Rule{}, cut
	case Mute:
		return cut, Rule{}
	case Slow, Lossy:
		return f.Rule, f.Rule
	}
	return cut, cut
}

func (s *strikes) network(f Fault, out, in Rule) {
	for other := range s.fleet.nodes {
		if other != f.Victim && (f.Trouble != Unlink || other == f.Other) {
			s.fleet.network.Set(f.Victim, other, out)
			s.fleet.network.Set(other, f.Victim, in)
		}
	}
}

// writable waits until a node takes a write.
func (w *warden) writable(ctx context.Context, n *node) error {
	return poll(ctx, 250*time.Millisecond, func() error {
		a, err := n.call(ctx, request{method: http.MethodPatch, path: "/me", token: w.token, body: map[string]string{"display_name": "Warden"}})
		if err == nil && a.status >= 300 {
			err = fmt.Errorf("%d %s", a.status, a.code)
		}
		return err
	})
}

// revive makes everything as it should be after a round that failed, so that
// the next one means something.
func (s *strikes) revive(ctx context.Context) error {
	var errs []error
	for i, n := range s.fleet.nodes {
		for j := range s.fleet.nodes {
			s.fleet.network.Set(i, j, Rule{})
		}
		errs = append(errs, Disturbance{}.write(n.control()))
		if n.alive() {
			errs = append(errs, n.signal(syscall.SIGCONT))
		} else {
			errs = append(errs, n.start(ctx))
		}
	}
	return errors.Join(errs...)
}
