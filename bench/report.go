package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"
)

// Report is one run as a page to show: self-contained, without scripts.
type Report struct {
	Result  Result
	Config  Config // what was asked for
	Command string // line that made it, without secrets
	Machine Machine
	Broken  string // the bound that was not kept; empty: all were, or there was none
}

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Parse(reportHTML))

// Write writes the page.
func (r Report) Write(w io.Writer) error {
	return reportPage.Execute(w, page{
		Report: r, Load: r.load(), Server: r.server(), Date: r.Result.Began.Format("2 January 2006, 15:04 UTC"),
		Notices: r.notices(), Figures: r.figures(), Plots: r.plots(), Facts: r.facts(),
	})
}

// page is what the template shows.
type page struct {
	Report
	Load, Server, Date string
	Notices            []string
	Figures            []bigFigure
	Plots              []*plot
	Facts              []fact
}

// Title names the run.
func (p page) Title() string {
	if p.Result.Scenario != "" {
		return p.Result.Scenario
	}
	return string(p.Result.Kind)
}

// Of is true for runs of a kind.
func (p page) Of(kind string) bool { return string(p.Result.Kind) == kind }

// OfPages is true for runs that ask for pages.
func (p page) OfPages() bool { return p.Result.ofPages() }

// For the template.

func (page) Number(v float64) string   { return figureOf(v) }
func (page) Count(n int) string        { return grouped(n) }
func (page) Percent(v float64) float64 { return 100 * v }

func (r Report) server() string {
	if r.Result.Server != "" {
		return r.Result.Server
	}
	return "server at " + strings.Join(r.Config.URLs, ", ")
}

// load says what was done, in one sentence.
func (r Report) load() string {
	res, cfg := r.Result, r.Config
	users := fmt.Sprintf("%s %s in %s", grouped(res.Users), plural(res.Users, "user"), roomsOf(res.Rooms))
	switch res.Kind {
	case Idle:
		return users + ", connected and silent."
	case Storm:
		return fmt.Sprintf("%s: all connections are cut at once, %d messages are posted in each room, and all come back at once.", users, cfg.Messages)
	case History:
		return fmt.Sprintf("%s load random pages of %d messages from %s in each room, %s a second in all, for %s.",
			users, pageLimit, grouped(cfg.Messages), rateOf(res.Rate), spoken(cfg.Duration))
	case Pages:
		return r.pagesLoad(users)
	case FindMax:
		return fmt.Sprintf("%s: the highest rate of %d byte messages whose p99 stays within %s, nothing lost, tried for %s each.",
			users, res.Body, spoken(cfg.MaxP99), spoken(cfg.Duration))
	}
	return fmt.Sprintf("%s, %s posts of %d bytes a second in all, for %s after %s of warm-up.",
		users, rateOf(res.Rate), res.Body, spoken(cfg.Duration), spoken(cfg.Warmup))
}

func (r Report) pagesLoad(users string) string {
	how := ""
	if r.Config.NoCache {
		how = ", all with Cache-Control: no-cache"
	}
	return fmt.Sprintf("%s read the newest %d messages of rooms, %s pages a second in all, for %s%s. Meanwhile %s messages of %d bytes a second are posted. Rooms are chosen by a Zipf law (exponent %g), for both.",
		users, pageLimit, rateOf(r.Result.Rate), spoken(r.Config.Duration), how, rateOf(r.Config.Posts), r.Result.Body, popularity)
}

func roomsOf(n int) string {
	if n == 1 {
		return "one room"
	}
	return grouped(n) + " rooms"
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

const nbsp = "\u00a0"

// spoken writes a duration with a unit that people use for it.
func spoken(d time.Duration) string {
	switch {
	case d < time.Second:
		return trimmed(d.Seconds()*1000) + nbsp + "ms"
	case d < 2*time.Minute:
		return trimmed(d.Seconds()) + nbsp + "s"
	}
	return trimmed(d.Minutes()) + nbsp + "min"
}

// rateOf writes a rate: a round one as it was given.
func rateOf(v float64) string {
	if v == math.Trunc(v) {
		return grouped(v)
	}
	return figureOf(v)
}

// noticeSteal is the share of the machine that others may take unnoticed.
const noticeSteal = 0.01

// notices is what a reader must know before the figures.
func (r Report) notices() (all []string) {
	res := r.Result
	if res.Bottleneck != "" {
		all = append(all, "This run measures the load generator, not the server: "+res.Bottleneck+".")
	}
	if steal := res.Usage.Steal; steal > noticeSteal {
		all = append(all, fmt.Sprintf("Other virtual machines took %.1f %% of this machine's time (steal). "+
			"Latencies, above all the high percentiles, are worse for it; compare only with runs that took turns with this one.", 100*steal))
	}
	if res.Idle != nil && len(res.Idle.Points) > 1 && res.Idle.PerConn <= 0 {
		all = append(all, "Memory did not grow with the connections: there were too few, or they were held too briefly for the server to settle. The slope means nothing.")
	}
	if res.Errors > 0 {
		all = append(all, fmt.Sprintf("The server reported %s %s. The first: %s.", grouped(res.Errors), plural(int(res.Errors), "error"), res.FirstError))
	}
	if res.Dropped > 0 {
		all = append(all, fmt.Sprintf("The server ended %s %s.", grouped(res.Dropped), plural(int(res.Dropped), "connection")))
	}
	if res.Unsent > 0 {
		all = append(all, fmt.Sprintf("The server did not take %s of %s posts.", grouped(res.Unsent), grouped(res.Posted)))
	}
	return all
}
