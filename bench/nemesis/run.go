package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Result is a run and what became of it.
type Result struct {
	Config  Config
	Network string // that was used
	History History
	Verdict *Verdict
	Length  time.Duration
}

// Run starts a fleet, puts users and the nemesis upon it, heals everything,
// and has the checker look at what is left. An error is one of the harness or
// of a fleet that does not start; what nodes did wrong is in the Verdict.
func Run(ctx context.Context, c Config) (_ *Result, err error) {
	if c, err = c.withDefaults(); err != nil {
		return nil, err
	}
	fleet, err := openFleet(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fleet.close()) }()
	r := &run{config: c, fleet: fleet, rec: newRecorder()}
	answers, err := r.run(ctx)
	if err != nil {
		return nil, err
	}
	r.rec.h.Concern = c.Concern
	return &Result{
		Config: c, Network: fleet.network.Name(), History: r.rec.h,
		Verdict: Check(&r.rec.h, answers), Length: r.rec.now(),
	}, nil
}

// run is one run.
type run struct {
	config   Config
	fleet    *fleet
	rec      *recorder
	warden   *warden
	users    []*user
	sessions []*session // of every user, which the user writes through
	seconds  []*session // of some users, who only listen with it
}

func (r *run) run(ctx context.Context) (*Answers, error) {
	r.people()
	defer func() { r.sessions, r.seconds = r.leave(r.sessions), r.leave(r.seconds) }()
	if err := r.warden.open(ctx, r.fleet, r.users); err != nil {
		return nil, fmt.Errorf("open the rooms: %w", err)
	}
	if err := r.connect(ctx); err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	for _, u := range r.users {
		work.Go(func() { u.work(working, r.config.Pause) })
	}
	r.torment(ctx)
	stop()
	work.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.finale(ctx), nil
}

// people makes the users; they have no account yet.
func (r *run) people() {
	for i := range r.config.Users + 1 {
		u := &user{
			index: i, name: fmt.Sprintf("user%d", i), fleet: r.fleet, rec: r.rec,
			rng:    rand.New(rand.NewPCG(r.config.Seed, uint64(i+1))),
			inside: map[string]bool{}, posted: map[string]*Op{},
		}
		if i == r.config.Users {
			u.name = "warden"
			r.warden = &warden{user: u}
			return
		}
		r.users = append(r.users, u)
	}
}

// usersPerSecond is how many users there are for each who has a second session.
const usersPerSecond = 3

func (r *run) connect(ctx context.Context) error {
	for i, u := range r.users {
		s, err := openSession(ctx, u, r.fleet, r.rec, u.rooms)
		if err != nil {
			return err
		}
		u.session = s
		r.sessions = append(r.sessions, s)
		if i%usersPerSecond == 0 {
			s, err := openSession(ctx, u, r.fleet, r.rec, u.rooms)
			if err != nil {
				return err
			}
			r.seconds = append(r.seconds, s)
		}
	}
	return nil
}

// leave closes sessions, and keeps what they were told.
func (r *run) leave(sessions []*session) (none []*session) {
	for _, s := range sessions {
		told := s.close()
		r.rec.mu.Lock()
		r.rec.h.Sessions = append(r.rec.h.Sessions, told)
		r.rec.mu.Unlock()
	}
	return nil
}

// failuresTaken is how many rounds may fail before a run ends early: what a
// broken fleet does after that tells nothing.
const failuresTaken = 3

// torment does one round of faults after the other.
func (r *run) torment(ctx context.Context) {
	s := newSchedule(r.config)
	strikes := &strikes{fleet: r.fleet, warden: r.warden}
	failed := 0
	for done := 0; r.rec.now() < r.config.Time || done < r.config.Faults; {
		round := s.next()
		if r.round(ctx, strikes, round) != nil {
			failed++
			r.last(strikes.revive(ctx))
		}
		if done += len(round.faults); failed >= failuresTaken || ctx.Err() != nil {
			return
		}
		hold(ctx, round.rest)
	}
}

// round does the faults of a round together, and waits until all is well again.
func (r *run) round(ctx context.Context, s *strikes, round round) error {
	struck := make([]Struck, len(round.faults))
	errs := make([]error, len(round.faults))
	var all sync.WaitGroup
	for i, f := range round.faults {
		all.Go(func() {
			struck[i] = Struck{Fault: f, Start: r.rec.now()}
			errs[i] = s.strike(ctx, f)
			struck[i].Healed = r.rec.now()
		})
	}
	all.Wait()
	err := errors.Join(errs...)
	if err == nil {
		err = r.warden.converge(ctx, r.fleet)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i := range struck {
		if struck[i].Converged = r.rec.now(); err != nil && (errs[i] != nil || errors.Join(errs...) == nil) {
			struck[i].Failed = err.Error()
		}
		r.rec.struck(struck[i])
		fmt.Fprintf(r.config.Log, "%7.1fs %s; healed %.1fs, converged %.1fs %s\n", struck[i].Start.Seconds(), struck[i].Fault,
			(struck[i].Healed - struck[i].Start).Seconds(), (struck[i].Converged - struck[i].Healed).Seconds(), struck[i].Failed)
	}
	return err
}

// finale asks everybody, when all is quiet, what they know.
func (r *run) finale(ctx context.Context) *Answers {
	a := &Answers{}
	r.last(r.warden.converge(ctx, r.fleet))
	if len(r.fleet.nodes) > 1 {
		r.last(r.fleet.complete(ctx))
	}
	r.last(r.warden.calm(ctx, r.fleet, slices.Concat(r.sessions, r.seconds)))
	for _, u := range append(slices.Clone(r.users), r.warden.user) {
		r.rec.h.Users = append(r.rec.h.Users, u.id)
	}
	a.Present = r.presence(ctx)
	r.sessions = r.leave(r.sessions)
	a.Present = append(a.Present, r.presence(ctx)...)
	r.seconds = r.leave(r.seconds)
	a.Gone = r.presence(ctx)
	for _, n := range r.fleet.nodes {
		if answers, err := r.warden.answers(ctx, n, r.users); err != nil {
			r.rec.h.Unanswered = append(r.rec.h.Unanswered, err.Error())
		} else {
			a.Nodes = append(a.Nodes, *answers)
		}
	}
	slices.SortStableFunc(r.rec.h.Ops, func(a, b *Op) int { return int(a.Start - b.Start) })
	return a
}

// presence looks whether those are shown as online who have a session open.
func (r *run) presence(ctx context.Context) []Seen {
	var want []string
	for _, s := range slices.Concat(r.sessions, r.seconds) {
		if !slices.Contains(want, s.user.id) {
			want = append(want, s.user.id)
		}
	}
	return r.warden.seen(ctx, r.fleet, r.warden.all[0], want)
}

// last notes what did not come right at the end.
func (r *run) last(err error) {
	if err != nil {
		r.rec.h.Unhealed = append(r.rec.h.Unhealed, err.Error())
	}
}
