package main

import (
	"cmp"
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
	asker  asker // of pages
}

// scenarios are the bench's own, for each fanout the search for its highest
// rate, and wrk's.
func scenarios(duration time.Duration) (all []scenario) {
	for _, name := range []string{"rooms", "hall", "storm"} {
		c := bench.Scenarios[name]
		if duration > 0 && c.Kind == bench.Fanout {
			c.Duration = duration
		}
		all = append(all, scenario{Name: name, config: c})
		if c.Kind == bench.Fanout {
			all = append(all, scenario{Name: name + "-max", config: bench.Scenarios[name].ToFindMax()})
		}
	}
	c := newestPage
	c.Duration = cmp.Or(duration, c.Duration)
	for _, who := range askers {
		all = append(all, scenario{"newest-page" + string(who), c, who})
	}
	return all
}

// fits reports whether a contender can be put under the load.
func (s scenario) fits(c contender) bool {
	if s.config.Kind == bench.Pages {
		return c.does.pages
	}
	return c.does.chat
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
	if c.out[one.name] || !s.fits(one) {
		return nil
	}
	fmt.Fprintf(c.progress, "round %d of %d, %s, %s: ", round+1, c.rounds, s.Name, one.name)
	r, err := one.run(ctx, c.house, c.files)
	if err != nil {
		c.out[one.name] = true
		return c.failed(ctx, fmt.Errorf("%s: %w", one.name, err))
	}
	all, err := measure(ctx, r, s, round)
	err = errors.Join(err, r.stop())
	if err != nil {
		return c.failed(ctx, fmt.Errorf("%s on %s: %w", s.Name, one.name, err))
	}
	for _, res := range all {
		res.Scenario, res.Server = s.Name, one.name+variantOf(res)
		key := cell{s.Name, res.Server}
		c.results[key] = append(c.results[key], res)
		if res.Server != one.name {
			fmt.Fprintf(c.progress, "  %s: ", res.Server)
		}
		fmt.Fprintln(c.progress, brief(res))
	}
	return nil
}

// uncached is what a row's name ends with when the caches were not asked.
const uncached = " no-cache"

func variantOf(r bench.Result) string {
	if r.Pages != nil && r.Pages.NoCache {
		return uncached
	}
	return ""
}

// rows are the names of a scenario's results, in the order of the tables.
func (c *comparison) rows(s scenario) (names []string) {
	for _, one := range c.contenders {
		for _, name := range []string{one.name, one.name + uncached} {
			if c.results[cell{s.Name, name}] != nil {
				names = append(names, name)
			}
		}
	}
	return names
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

// measure puts the load on. A scenario of pages has a result for each way to ask,
// which take turns at being the first.
func measure(ctx context.Context, r *running, s scenario, round int) ([]bench.Result, error) {
	cfg := s.config
	cfg.URLs, cfg.Protocol, cfg.PIDs = r.urls, r.protocol, r.pids
	if cfg.Kind == bench.Pages {
		return r.newestPage(ctx, cfg, s.asker, round%2 == 1)
	}
	res, err := bench.Run(ctx, cfg)
	return []bench.Result{res}, err
}

// checked is a small run in two rooms that says whether a server works at all:
// every message must reach those in its room, once, and nobody else.
var checked = scenario{Name: "check", config: bench.Config{
	Kind: bench.Fanout, Users: 4, Rooms: 2, Rate: 20, Body: 200, Duration: 500 * time.Millisecond,
}}

// check starts each contender, has four clients post ten messages where it is
// for chat, and reads pages where it has them. It says how each did.
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
	if one.does.pages {
		err = r.checkPages(ctx)
	}
	if one.does.chat {
		err = errors.Join(err, r.checkChat(ctx))
	}
	return errors.Join(err, r.stop())
}

func (r *running) checkChat(ctx context.Context) error {
	all, err := measure(ctx, r, checked, 0)
	if err != nil {
		return err
	}
	res := all[0]
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
