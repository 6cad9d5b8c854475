package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// preface is for readers who have not read the package's comment.
const preface = `# The nemesis report

Real klatch processes in network namespaces of their own, users who write and read on nodes chosen at random, one round
of faults after the other, and a checker that knows only what clients were told. ` + "`make check-nemesis`" + ` writes this
page; ` + "`go doc ./bench/nemesis`" + ` says how it works and what it cannot see. A run can be repeated with
` + "`go test ./bench/nemesis -run TestNemesis -nemesis.seed SEED -nemesis.nodes N -nemesis.concern C -nemesis.time T`" + `: the
same faults in the same order, though not the same instants.

One node fails at a time with the write concerns one and local, a minority with majority. Convergence counts from the
moment when the last fault of a round was healed until every node shows what was last written on every other. What writes
acknowledged as local can lose is counted apart: they are on one disk, and some faults take disks away.

`

// Page is a Report as a document.
func Page(results []*Result) string { return preface + Report(results) }

// Report tells of runs in markdown.
func Report(results []*Result) string {
	var b strings.Builder
	for _, r := range results {
		r.write(&b)
	}
	return b.String()
}

func (r *Result) write(b *strings.Builder) {
	fmt.Fprintf(b, "## Write concern %s, %d nodes, %s\n\n", r.Config.Concern, r.Config.Nodes, r.Network)
	fmt.Fprintf(b, "Seed %d; %s with %d faults; %d users.\n", r.Config.Seed, r.Length.Round(time.Second), len(r.History.Faults), r.Config.Users)
	r.crimes(b)
	r.losses(b)
	r.faults(b)
	r.operations(b)
	r.latencies(b)
}

func (r *Result) crimes(b *strings.Builder) {
	fmt.Fprint(b, "\n| found | count | |\n| --- | ---: | --- |\n")
	for _, c := range crimes {
		fmt.Fprintf(b, "| %s | %d | %s |\n", c.crime, r.Verdict.Crimes[c.crime], c.meaning)
	}
	v := r.Verdict
	fmt.Fprintf(b, "\n%d reads were held against the write before them, %d posts against what their author had seen. ", v.Reads, v.Ordered)
	fmt.Fprintf(b, "Sessions had to be told of %d messages, over %d resumes and %d resets. ", v.Expected, v.Resumes, v.Resets)
	fmt.Fprintf(b, "%d messages were told again on one connection, for a repeat of their nonce had come and gone. ", v.Repeated)
	fmt.Fprintf(b, "%d posts sort before a message that their author had seen elsewhere and that their node could not know of.\n", v.Unordered)
}

// losses is what writes acknowledged as local went with a disk.
func (r *Result) losses(b *strings.Builder) {
	if !slices.ContainsFunc(r.History.Faults, func(s Struck) bool { return s.Fault.wipes() }) {
		return
	}
	total := 0
	for _, n := range r.Verdict.LostLocal {
		total += n
	}
	fmt.Fprintf(b, "Of writes acknowledged as local, %d went with a disk: %v.\n", total, r.Verdict.LostLocal)
}

func (r *Result) faults(b *strings.Builder) {
	fmt.Fprint(b, "\n| fault | count | time in all | convergence p50 | max |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, t := range Troubles {
		var total time.Duration
		var converged []time.Duration
		for _, s := range r.History.Faults {
			if s.Fault.Trouble == t {
				total += s.Healed - s.Start
				converged = append(converged, s.Converged-s.Healed)
			}
		}
		if len(converged) > 0 {
			fmt.Fprintf(b, "| %s | %d | %s | %s | %s |\n", t, len(converged), seconds(total), seconds(quantile(converged, 0.5)), seconds(quantile(converged, 1)))
		}
	}
}

// kinds is all operations in the order of reports.
var kinds = []Kind{Post, Edit, Delete, React, Join, Leave, Mark, Read, Look}

func (r *Result) operations(b *strings.Builder) {
	fmt.Fprint(b, "\n| operation | done | refused | unknown | local | one | majority |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, k := range kinds {
		outcomes, levels := map[Outcome]int{}, map[string]int{}
		for _, o := range r.History.Ops {
			if o.Kind == k {
				outcomes[o.Outcome]++
				levels[o.Level]++
			}
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d |", k, outcomes[Done], outcomes[Refused], outcomes[Unknown])
		for _, level := range []string{"local", "one", "majority"} {
			fmt.Fprintf(b, " %d |", levels[level])
		}
		fmt.Fprintln(b)
	}
	why := map[string]int{}
	for _, o := range r.History.Ops {
		if o.Outcome == Refused {
			why[o.Why]++
		}
	}
	fmt.Fprintf(b, "\nRefused because of: %v.\n", why)
}

// latencies compares the answers to writes that met a fault with the others.
func (r *Result) latencies(b *strings.Builder) {
	fmt.Fprint(b, "\n| acknowledged writes | count | p50 | p99 | max |\n| --- | ---: | ---: | ---: | ---: |\n")
	var calm, struck []time.Duration
	for _, o := range r.History.Ops {
		if !o.writes() || o.Outcome != Done {
			continue
		}
		if r.met(o) {
			struck = append(struck, o.End-o.Start)
		} else {
			calm = append(calm, o.End-o.Start)
		}
	}
	for _, row := range []struct {
		name string
		list []time.Duration
	}{{"while nothing was wrong", calm}, {"during a fault", struck}} {
		if len(row.list) > 0 {
			fmt.Fprintf(b, "| %s | %d | %s | %s | %s |\n", row.name, len(row.list),
				seconds(quantile(row.list, 0.5)), seconds(quantile(row.list, 0.99)), seconds(quantile(row.list, 1)))
		}
	}
	fmt.Fprintln(b)
}

// met reports whether an operation overlaps a fault or the recovery from it.
func (r *Result) met(o *Op) bool {
	return slices.ContainsFunc(r.History.Faults, func(s Struck) bool { return o.Start < s.Converged && s.Start < o.End })
}

func quantile(list []time.Duration, q float64) time.Duration {
	slices.Sort(list)
	return list[int(q*float64(len(list)-1))]
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
