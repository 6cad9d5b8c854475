package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

// series is a made-up course of a run.
func series(n int) (all []Sample) {
	for i := range n {
		x := float64(i)
		all = append(all, Sample{At: x / 2, Deliveries: 4000 + 100*math.Sin(x), P50: 1 + x/10, P99: 3 + x, CPU: 0.3, MiB: 60 + x, Goroutines: 61})
	}
	return all
}

func distribution(n int) (all []Quantile) {
	for i := range n {
		all = append(all, Quantile{100 * (1 - math.Pow(0.8, float64(i))), math.Pow(1.1, float64(i))})
	}
	return append(all, Quantile{100, 90})
}

// reports are one of each kind, and what must be seen in it.
func reports() map[string]Report {
	scenario := func(name string) Report {
		c := Scenarios[name]
		r := Report{Config: c, Command: "klatch bench --report x.html " + name, Machine: ThisMachine()}
		r.Result = Result{
			Scenario: name, Server: "klatch v1", Began: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), Kind: c.Kind, Protocol: "klatch.v1.json",
			Users: c.Users, Rooms: c.Rooms, Rate: c.Rate, Body: c.Body, Posted: 3400, Delivered: 68000, Expected: 68000, DeliveryRate: 4000,
			P50: 1.2, P90: 2, P99: 4.4, P999: 7, Max: 90, Latency: distribution(40), Series: series(30),
			Usage: Usage{Seconds: 17, CPU: 3, StartMiB: 60, MaxMiB: 90, EndMiB: 80, Goroutines: 61, Generator: 2, Idle: 0.5},
		}
		return r
	}
	all := map[string]Report{}
	for name := range Scenarios {
		all[name] = scenario(name)
	}
	idle := all["idle"]
	idle.Result.Idle = &IdleResult{PerConn: 1820, Points: []Held{{1000, 67.1, 53, 0.007}, {15000, 92, 55, 0.01}}}
	all["idle"] = idle
	storm := all["storm"]
	storm.Result.Storm = &StormResult{Sessions: 10000, Resumed: true, Seconds: 3.1, EntryP50: 1500, EntryP99: 3000, BeforeMiB: 90, PeakMiB: 140, AfterMiB: 100, CalmedIn: 2.5, CPUSeconds: 2}
	all["storm"] = storm
	pages := all["pages"]
	pages.Config.NoCache = true
	pages.Result.Pages = &PagesResult{XCache: map[string]uint64{"HIT": 970, "MISS": 30}, HitRatio: 0.97, Stale: 3, Bytes: 17560, Posts: 50, Acknowledged: 750, PostP50: 1, PostP99: 9}
	all["pages"] = pages
	search := scenario("rooms")
	search.Config = search.Config.ToFindMax()
	search.Result.Kind, search.Result.Rate = FindMax, 3200
	search.Result.Trials = []Trial{{200, 4000, 3, true, "", 0}, {3200, 64000, 40, true, "", 0.01}, {12800, 250000, 4000, false, "p99 4000.0 ms", 0}}
	all["find-max"] = search

	bare := scenario("rooms") // a server that tells nothing, and nothing came
	bare.Result = Result{Kind: Fanout, Users: 1, Rooms: 1, Lost: 7, FirstError: "<script>alert(1)</script>", Errors: 2}
	bare.Config.URLs = []string{"127.0.0.1:1"}
	all["bare"] = bare
	return all
}

func rendered(t *testing.T, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var outside = regexp.MustCompile(`(?i)(https?:)?//[a-z0-9]|<(script|link|img|iframe|object)\b|@import|url\(|\s(src|href)=`)

// The page is whole by itself, and every element of it is closed.
func TestReportIsSelfContainedHTML(t *testing.T) {
	for name, r := range reports() {
		page := rendered(t, r)
		if found := outside.FindString(page); found != "" {
			t.Errorf("%s: refers to something outside: %q", name, found)
		}
		if err := wellFormed(page); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, bad := range []string{"NaN", "Inf", "%!", "-0<", "ZgotmplZ"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: has %q", name, bad)
			}
		}
		if !strings.Contains(page, r.Command) || !strings.Contains(page, r.Machine.Go) || !strings.Contains(page, "How to read this") {
			t.Errorf("%s: command, machine or explanation is missing", name)
		}
	}
}

// wellFormed reads the page as XML, which it is too: that finds an element that is not closed.
func wellFormed(page string) error {
	_, page, ok := strings.Cut(page, "<!DOCTYPE html>")
	if !ok {
		return errors.New("no doctype")
	}
	d := xml.NewDecoder(strings.NewReader(page))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestReportShowsWhatItIsFor(t *testing.T) {
	for name, want := range map[string][]string{
		"rooms":    {"1,000 users in 50 rooms, 200 posts of 200 bytes", "<h3>Latency distribution</h3>", "<h3>Latency over time</h3>", "<h3>Deliveries</h3>", "<h3>Server CPU</h3>", "<h3>Server memory</h3>", "warm-up", "lost · doubled · out of order"},
		"hall":     {"1,000 users in one room"},
		"history":  {"<h3>Pages</h3>", "server CPU per page"},
		"pages":    {"<h3>Pages</h3>", "hit ratio", "0.9700", "HIT 970, MISS 30", "stale pages", "17,560", "no-cache", "Zipf", "server CPU per page"},
		"idle":     {"<h3>Memory by connections</h3>", "1,820", "15,000"},
		"storm":    {"all live again after", "missed · doubled · out of order", "with cursors"},
		"find-max": {"<h3>The search</h3>", "bound 100 ms", "3,200", "p99 4000.0 ms"},
		"bare":     {"The server reported 2 errors", "&lt;script&gt;", `class="card bad"`},
	} {
		page := strings.ReplaceAll(rendered(t, reports()[name]), nbsp, " ")
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s: %q is missing", name, text)
			}
		}
	}
}

// What makes a run less than it seems stands above its figures.
func TestReportWarns(t *testing.T) {
	r := reports()["rooms"]
	if page := rendered(t, r); strings.Contains(page, `class="notice"`) {
		t.Error("a good run has a notice")
	}
	r.Broken = "p99 is 9ms: above --max-p99 5ms"
	r.Result.Bottleneck, r.Result.Usage.Steal = "the generator itself started 300 of 3400 posts late", 0.05
	page := rendered(t, r)
	for _, text := range []string{"above --max-p99 5ms", "measures the load generator", "5.0 % of this machine"} {
		at := strings.Index(page, text)
		if at < 0 || at > strings.Index(page, `class="figures"`) {
			t.Errorf("%q is missing, or below the figures", text)
		}
	}
}

func TestPlotsAreDescribed(t *testing.T) {
	for name, r := range reports() {
		for _, p := range r.plots() {
			svg := string(p.SVG())
			for _, want := range []string{`role="img"`, "<title>" + p.Title + "</title>", `aria-label="` + p.Title + ": ", p.x.label, p.y.label} {
				if !strings.Contains(svg, want) {
					t.Errorf("%s, %s: %q is missing", name, p.Title, want)
				}
			}
			if len(p.x.ticks) < 2 || len(p.y.ticks) < 2 {
				t.Errorf("%s, %s: %d and %d ticks", name, p.Title, len(p.x.ticks), len(p.y.ticks))
			}
		}
	}
}

func TestRoundStep(t *testing.T) {
	for span, want := range map[float64]float64{1: 0.2, 5: 1, 7: 2, 17: 5, 100: 20, 101: 50, 4100: 1000, 0.0031: 0.001, 0: 1, math.Inf(1): 1} {
		if got := roundStep(span, 5); math.Abs(got-want) > 1e-12 {
			t.Errorf("a step of %g is %g, want %g", span, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0": figureOf(0), "0.25": figureOf(0.25), "9.99": figureOf(9.99), "41.8": figureOf(41.79), "1,234,568": figureOf(1234567.8), "-1,000": grouped(-1000),
		"500": short(500), "2,000": short(2000), "20 k": short(20000), "1.2 M": short(1.2e6), "0.3": short(0.1 * 3),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
