package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/bench"
)

// scenario is a load that every contender gets.
type scenario struct {
	Name   string
	config bench.Config
}

// scenarios are the bench's own, and for each fanout the search for its highest rate.
func scenarios(duration time.Duration) (all []scenario) {
	for _, name := range []string{"rooms", "hall", "storm"} {
		c := bench.Scenarios[name]
		if duration > 0 && c.Kind == bench.Fanout {
			c.Duration = duration
		}
		all = append(all, scenario{name, c})
		if c.Kind == bench.Fanout {
			all = append(all, scenario{name + "-max", bench.Scenarios[name].ToFindMax()})
		}
	}
	return all
}

// choose returns the scenarios of these names, or all.
func choose(all []scenario, names []string) (list []scenario, err error) {
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; the scenarios are %s", name, namesOf(all))
		}
		list = append(list, all[i])
	}
	return list, nil
}

func namesOf(all []scenario) string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// comparison is a run of everything: rounds of all scenarios on all contenders.
type comparison struct {
	house      *house
	files      files
	contenders []contender
	scenarios  []scenario
	rounds     int
	progress   io.Writer

	results map[cell][]bench.Result // a round each
	out     map[string]bool         // contenders that could not be started
	errs    []error
}

type cell struct{ scenario, contender string }

// run goes round by round, and within a round by turns, so that what else the
// machine does troubles all alike. Whoever fails does not keep the others from
// their turns.
func (c *comparison) run(ctx context.Context) error {
	c.results, c.out = map[cell][]bench.Result{}, map[string]bool{}
	for round := range c.rounds {
		for _, s := range c.scenarios {
			for _, one := range c.contenders {
				if err := c.turn(ctx, round, s, one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// turn is one scenario on one contender. Its error ends the comparison.
func (c *comparison) turn(ctx context.Context, round int, s scenario, one contender) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.out[one.name] {
		return nil
	}
	fmt.Fprintf(c.progress, "round %d of %d, %s, %s: ", round+1, c.rounds, s.Name, one.name)
	r, err := one.run(ctx, c.house, c.files)
	if err != nil {
		c.out[one.name] = true
		return c.failed(ctx, fmt.Errorf("%s: %w", one.name, err))
	}
	res, err := measure(ctx, r, s)
	err = errors.Join(err, r.stop())
	if err != nil {
		return c.failed(ctx, fmt.Errorf("%s on %s: %w", s.Name, one.name, err))
	}
	res.Scenario, res.Server = s.Name, one.name
	key := cell{s.Name, one.name}
	c.results[key] = append(c.results[key], res)
	fmt.Fprintln(c.progress, brief(res))
	return nil
}

// failed notes an error that the comparison goes on after, unless it is over.
func (c *comparison) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	fmt.Fprintln(c.progress, err)
	c.errs = append(c.errs, err)
	return nil
}

func measure(ctx context.Context, r *running, s scenario) (bench.Result, error) {
	cfg := s.config
	cfg.URLs, cfg.Protocol, cfg.PIDs = r.urls, r.protocol, r.pids
	return bench.Run(ctx, cfg)
}

// checked is a small run in two rooms that says whether a server works at all:
// every message must reach those in its room, once, and nobody else.
var checked = scenario{"check", bench.Config{
	Kind: bench.Fanout, Users: 4, Rooms: 2, Rate: 20, Body: 200, Duration: 500 * time.Millisecond,
}}

// check starts each contender and has four clients post ten messages. It says how each did.
func (c *comparison) check(ctx context.Context, out io.Writer) error {
	var errs []error
	for _, one := range c.contenders {
		if err := c.checkOne(ctx, one); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", one.name, err))
			continue
		}
		fmt.Fprintf(out, "ok    %s\n", one.name)
	}
	return errors.Join(errs...)
}

func (c *comparison) checkOne(ctx context.Context, one contender) error {
	r, err := one.run(ctx, c.house, c.files)
	if err != nil {
		return err
	}
	res, err := measure(ctx, r, checked)
	if err := errors.Join(err, r.stop()); err != nil {
		return err
	}
	if bad := wrong(res); bad != "" || res.Posted != 10 || res.Delivered != 20 {
		return fmt.Errorf("%d posts became %d deliveries instead of 10 and 20: %s", res.Posted, res.Delivered, bad)
	}
	return nil
}

// wrong says what a result counts that should not be.
func wrong(r bench.Result) string {
	var list []string
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{r.Lost, "lost"}, {r.Doubled, "doubled"}, {r.Disordered, "out of order"}, {r.Foreign, "foreign"},
		{r.Errors, "errors"}, {uint64(max(0, r.Dropped)), "dropped"}, {r.Unsent, "unsent"},
	} {
		if c.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if r.FirstError != "" {
		list = append(list, "first error: "+r.FirstError)
	}
	return strings.Join(list, ", ")
}
