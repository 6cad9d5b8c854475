package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wrk is a run of wrk (https://github.com/wg/wrk): each connection asks again as
// soon as it has its answer.
type wrk struct {
	url         string
	header      http.Header
	token       string
	connections int
	duration    time.Duration
}

// wrkFound is what it printed, and what it used.
type wrkFound struct {
	requests  uint64
	seconds   float64
	perSecond float64
	p50, p99  float64 // milliseconds
	refused   uint64  // answers with a status of 400 and above
	errors    uint64  // of sockets
	trouble   string  // what it said of both
	cpu       float64 // seconds
}

func (w wrk) run(ctx context.Context) (f wrkFound, err error) {
	program, err := find("wrk")
	if err != nil {
		return f, err
	}
	cmd := exec.CommandContext(ctx, program, w.args()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return f, fmt.Errorf("wrk: %w:\n%s", errors.Join(err, context.Cause(ctx)), out)
	}
	f, err = parseWrk(string(out))
	f.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return f, err
}

func (w wrk) args() []string {
	args := []string{"-t1", fmt.Sprintf("-c%d", w.connections), fmt.Sprintf("-d%ds", max(1, int(w.duration.Seconds()))), "--latency",
		"-H", "Authorization: Bearer " + w.token}
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		args = append(args, "-H", name+": "+w.header.Get(name))
	}
	return append(args, w.url)
}

var (
	wrkTotal   = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+[a-z]+),`)
	wrkRate    = regexp.MustCompile(`(?m)^Requests/sec:\s+([\d.]+)`)
	wrkTail    = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+[a-z]+)\s*$`)
	wrkSockets = regexp.MustCompile(`(?m)^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus  = regexp.MustCompile(`(?m)^\s*Non-2xx or 3xx responses: (\d+)`)

	errWrk = errors.New("wrk printed something else than it used to")
)

// parseWrk reads wrk's report.
func parseWrk(out string) (f wrkFound, err error) {
	total, rate, tail := wrkTotal.FindStringSubmatch(out), wrkRate.FindStringSubmatch(out), wrkTail.FindAllStringSubmatch(out, -1)
	if total == nil || rate == nil || len(tail) != 2 || tail[0][1] != "50" {
		return f, fmt.Errorf("%w:\n%s", errWrk, out)
	}
	var errs [5]error
	f.requests, errs[0] = strconv.ParseUint(total[1], 10, 64)
	f.seconds, errs[1] = wrkTime(total[2])
	f.perSecond, errs[2] = strconv.ParseFloat(rate[1], 64)
	f.p50, errs[3] = wrkTime(tail[0][2])
	f.p99, errs[4] = wrkTime(tail[1][2])
	f.p50, f.p99 = f.p50*1000, f.p99*1000
	if err := errors.Join(errs[:]...); err != nil {
		return f, fmt.Errorf("%w: %w", errWrk, err)
	}
	f.troubles(out)
	return f, nil
}

// troubles reads the lines that are there only when something went wrong.
func (f *wrkFound) troubles(out string) {
	var said []string
	if m := wrkSockets.FindStringSubmatch(out); m != nil {
		said = append(said, strings.TrimSpace(m[0]))
		for _, n := range m[1:] {
			count, _ := strconv.ParseUint(n, 10, 64) // digits
			f.errors += count
		}
	}
	if m := wrkStatus.FindStringSubmatch(out); m != nil {
		said = append(said, strings.TrimSpace(m[0]))
		f.refused, _ = strconv.ParseUint(m[1], 10, 64)
	}
	f.trouble = strings.Join(said, ", ")
}

// wrkTime reads a time as wrk writes it, such as 635.91us, 1.20ms, 10.00s, 1.00m or 1.00h, in seconds.
func wrkTime(s string) (seconds float64, err error) {
	d, err := time.ParseDuration(s)
	return d.Seconds(), err
}
