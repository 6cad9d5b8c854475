package main

import (
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// What wrk 4.1.0 writes, word for word.
const (
	wrkGood = `Running 10s test @ http://127.0.0.1:18321/api/v1/rooms/01M8439FX2000MSFRJ3KAQ7W89/messages?limit=50
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   635.91us    0.89ms  12.92ms   93.69%
    Req/Sec    56.20k     8.07k   62.00k    86.54%
  Latency Distribution
     50%  250.00us
     75%  491.00us
     90%  700.00us
     99%    5.80ms
  561998 requests in 10.05s, 9.31GB read
Requests/sec:  55920.20
Transfer/sec:      0.93GB
`
	wrkBad = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20s    89.00ms   1.92s    93.69%
    Req/Sec     5.20      8.07    62.00     86.54%
  Latency Distribution
     50%    1.19s 
     75%    1.31s 
     90%    1.60s 
     99%    1.92s 
  13 requests in 2.00s, 1.22KB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 12
Requests/sec:      6.50
Transfer/sec:     624.00B
`
)

func TestParseWrk(t *testing.T) {
	for out, want := range map[string]wrkFound{
		wrkGood: {requests: 561998, seconds: 10.05, perSecond: 55920.20, p50: 0.25, p99: 5.8},
		wrkBad: {requests: 13, seconds: 2, perSecond: 6.5, p50: 1190, p99: 1920, refused: 12, errors: 10,
			trouble: "Socket errors: connect 1, read 2, write 3, timeout 4, Non-2xx or 3xx responses: 12"},
	} {
		got, err := parseWrk(out)
		for _, v := range []*float64{&got.p50, &got.p99} {
			*v = math.Round(*v*1e6) / 1e6
		}
		if err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
}

func TestParseWrkRefuses(t *testing.T) {
	for _, out := range []string{"", "unable to connect to 127.0.0.1:1 Connection refused\n", wrkGood[:400], "  50%  1ms\n  99%  2xs\n  1 requests in 1s,\nRequests/sec: 1\n"} {
		if f, err := parseWrk(out); !errors.Is(err, errWrk) {
			t.Errorf("%q: %+v, %v", out, f, err)
		}
	}
}

func TestWrkArguments(t *testing.T) {
	w := wrk{url: "http://127.0.0.1:1/x", header: question{noCache: true, gzip: true}.header(), token: "T", connections: 32, duration: 10 * time.Second}
	want := []string{"-t1", "-c32", "-d10s", "--latency", "-H", "Authorization: Bearer T", "-H", "Accept-Encoding: gzip", "-H", "Cache-Control: no-cache", "http://127.0.0.1:1/x"}
	if got := w.args(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What wrk calls refused decides whether a measurement counts: 304 is an answer, 400 is not.
func TestWrkCounts(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("wrk is not installed")
	}
	for status, refused := range map[int]bool{http.StatusNotModified: false, http.StatusBadRequest: true} {
		var asked atomic.Uint64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") == `W/"x"` {
				asked.Add(1)
			}
			w.WriteHeader(status)
		}))
		load := wrk{url: s.URL, header: question{tag: `W/"x"`}.header(), connections: 2, duration: time.Second}
		f, err := load.run(t.Context())
		s.Close()
		if err != nil || f.requests == 0 || f.requests > asked.Load() || f.errors > 0 || (f.refused > 0) != refused {
			t.Errorf("%d: %+v, %v, %d asked", status, f, err, asked.Load())
		}
	}
}
