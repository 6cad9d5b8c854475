package main

import (
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/bench"
)

func TestTable(t *testing.T) {
	rooms := bench.Config{Kind: bench.Fanout, Users: 10, Rooms: 2, Rate: 20, Body: 200, Duration: time.Second}
	result := func(p50, p99 float64) bench.Result {
		return bench.Result{Kind: bench.Fanout, P50: p50, P99: p99, Delivered: 1e6, Usage: bench.Usage{CPU: p50, MaxMiB: 64}}
	}
	late := result(4, 8)
	late.Bottleneck = "the generator was late"
	lossy := result(2, 10)
	lossy.Lost = 3
	c := &comparison{
		contenders: contenders,
		scenarios:  []scenario{{Name: "rooms", config: rooms}, {Name: "rooms-max", config: rooms.ToFindMax()}},
		results: map[cell][]bench.Result{
			{"rooms", "klatch"}:   {result(1, 2), result(1.5, 2)},
			{"rooms", "socketio"}: {result(2, 4), lossy},
			{"rooms", "bare"}:     {late, late},
		},
	}
	var out strings.Builder
	if err := c.write(&out); err != nil {
		t.Fatal(err)
	}
	want := `
rooms: 10 users in 2 rooms, 20 posts a second of 200 bytes, 1s

server    p50 ms            to socketio  to bare  p99 ms             to socketio  to bare  CPU µs/delivery   to socketio  to bare  memory MiB  remarks
klatch    1.25 (1.00–1.50)  × 0.62       × 0.31   2.00               × 0.35       × 0.25   1.25 (1.00–1.50)  × 0.62       × 0.31   64          ok
socketio  2.00              × 1.00       × 0.50   7.00 (4.00–10.00)  × 1.00       × 0.88   2.00              × 1.00       × 0.50   64          3 lost
bare      4.00              × 2.00       × 1.00   8.00               × 1.40       × 1.00   4.00              × 2.00       × 1.00   64          the generator was late
`
	if out.String() != want {
		t.Errorf("got%s\nwant%s", out.String(), want)
	}
}

func TestBrief(t *testing.T) {
	for _, c := range []struct {
		r    bench.Result
		want string
	}{
		{bench.Result{Kind: bench.Storm, Storm: &bench.StormResult{
			Seconds: 2, EntryP99: 1500, CPUSeconds: 3, BeforeMiB: 100, AfterMiB: 110, Missed: 7,
		}}, "2.00 all back s, 1.50 p99 of one s, 3.00 CPU s, 100 memory before MiB, 110 after MiB, 7 missed"},
		{bench.Result{
			Kind: bench.Pages, DeliveryRate: 100, P50: 1, P99: 2, Delivered: 1000, Usage: bench.Usage{Seconds: 1, CPU: 0.1, MaxMiB: 64, Steal: 0.02},
			Pages: &bench.PagesResult{XCache: map[string]uint64{"HIT": 1}, Bytes: 5300},
		}, "100 requests/s, 1.00 p50 ms, 2.00 p99 ms, 100.0 CPU µs/request, 5300 bytes, 0.10 server cores, 0.00 wrk cores, 64 memory MiB, 2.0 taken by others %"},
	} {
		if got := brief(c.r); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--servers klatsch":              `there is no server "klatsch"`,
		"--rounds 0":                     "--rounds must be at least 1",
		"--servers bare nothing":         "there is no scenario \"nothing\"; the scenarios are rooms, rooms-max, hall, hall-max, storm, newest-page, newest-page-gzip, newest-page-revalidated",
		"--servers bare --flag nonsense": "flag provided but not defined",
	} {
		var out, progress strings.Builder
		err := run(strings.Fields(args), &out, &progress)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
}
