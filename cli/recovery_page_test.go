package cli_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// recoveryPreface is for readers who have not read the test.
const recoveryPreface = `# Recovery under fire

Clients of Socket.IO, a tenth of them by long-polling with each request to another node, in a cluster of three klatch
processes. Connections are cut at random moments, and nodes are killed with SIGKILL and started again; clients come back
to any node with their pid and offset, now and then with a pid that is nobody's. Posts have nonces and are repeated until
they are acknowledged (write concern one). A checker holds what each client was told against what was acknowledged and
against the rooms' histories on all nodes in the end. ` + "`make check-recovery`" + ` writes this page; a short form is part of
` + "`make test`" + `.

`

// page is the report.
func (x *recovery) page() string {
	var b strings.Builder
	b.WriteString(recoveryPreface)
	var sum recoveryTally
	var ends recoveryEnds
	refused := map[string]int{}
	for _, c := range x.clients {
		sum.add(c.record.tally)
		ends.add(c.ends)
		for reason, n := range c.record.tally.refused {
			refused[reason] += n
		}
	}
	polling, posts, repeated, local := 0, 0, 0, 0
	for _, c := range x.clients {
		if c.polling {
			polling++
		}
	}
	for _, p := range x.posters {
		posts, local = posts+len(p.acked), local+p.local
		for _, n := range p.attempts {
			repeated += n - 1
		}
	}
	fmt.Fprintf(&b, "%d clients (%d by polling) in %d rooms for %s; %d kills of a node.\n", x.size.clients, polling, x.size.rooms, x.size.time, x.kills)
	fmt.Fprintf(&b, "%d posts were acknowledged, %d of them while no peer was there, after %d repeats of posts without an answer.\n", posts, local, repeated)
	fmt.Fprintf(&b, "Every client had everything %s after the nodes agreed.\n\n", x.settled.Round(time.Millisecond))
	fmt.Fprint(&b, "| found | count | |\n| --- | ---: | --- |\n")
	for _, c := range recoveryCrimes {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", c.crime, len(x.crimes[c.crime]), c.meaning)
	}
	fmt.Fprint(&b, "\n| connections | count |\n| --- | ---: |\n")
	for _, row := range []struct {
		what string
		n    int
	}{
		{"cut by their client", ends.cut}, {"lost, with their node or at the test's end", ends.lost}, {"not made, their node being down", ends.failed},
		{"welcome for the first time", sum.fresh}, {"recovered", sum.recovered}, {"not recovered, and told so", sum.connected - sum.fresh - sum.recovered},
		{"recovered, and reset after all", sum.broken},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", row.what, row.n)
	}
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		fmt.Fprintf(&b, "| reset because: %s | %d |\n", reason, refused[reason])
	}
	fmt.Fprintf(&b, "\nClients were told of %d messages, of %d again with the same id after a return; %d they read in history. ", sum.told, sum.repeats, sum.filled)
	fmt.Fprintf(&b, "%d came after one of another node with a higher id.\n", sum.late)
	return b.String()
}

func (t *recoveryTally) add(o recoveryTally) {
	t.connected += o.connected
	t.fresh += o.fresh
	t.recovered += o.recovered
	t.broken += o.broken
	t.told += o.told
	t.repeats += o.repeats
	t.filled += o.filled
	t.late += o.late
}

func (e *recoveryEnds) add(o recoveryEnds) {
	e.cut += o.cut
	e.lost += o.lost
	e.failed += o.failed
	e.refused += o.refused
	e.bid += o.bid
}
