package bench

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

const faultUsers = 8

// shortly is a load of fifty posts.
func shortly(f *fake) Config {
	return Config{
		Kind: Fanout, URLs: []string{f.url}, Protocol: shout{}, Users: faultUsers, Rooms: 1,
		Rate: 100, Body: 200, Duration: 500 * time.Millisecond,
	}
}

// fanned runs a load without the patience that a real server deserves.
func fanned(t *testing.T, cfg Config) Result {
	t.Helper()
	r := newRun(cfg)
	r.settleFor = 200 * time.Millisecond
	if err := r.fanout(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r.result
}

// A server that does its work is found to, and each fault is found out as what
// it is and no more: the generator's own word against a server's.
func TestFaultsAreFoundOut(t *testing.T) {
	var held []byte
	for name, test := range map[string]struct {
		wrong                     func(n int, message []byte) [][]byte
		lost, doubled, disordered uint64
		foreign, errors           uint64
	}{
		"none": {wrong: nil},
		"loses": {wrong: func(n int, m []byte) [][]byte {
			if n == 3 || n == 49 {
				return nil
			}
			return [][]byte{m}
		}, lost: 2},
		"doubles": {wrong: func(n int, m []byte) [][]byte {
			if n%10 == 0 {
				return [][]byte{m, m}
			}
			return [][]byte{m}
		}, doubled: 5},
		"swaps two senders": {wrong: func(n int, m []byte) [][]byte {
			switch n {
			case 10:
				held = m
				return nil
			case 11:
				return [][]byte{m, held}
			}
			return [][]byte{m}
		}, disordered: 1},
		"swaps two of one sender": {wrong: func(n int, m []byte) [][]byte {
			switch n {
			case 10:
				held = m
				return nil
			case 10 + faultUsers:
				return [][]byte{m, held}
			}
			return [][]byte{m}
		}, disordered: 1},
		"loses one and doubles another": {wrong: func(n int, m []byte) [][]byte {
			switch n {
			case 7:
				return nil
			case 8:
				return [][]byte{m, m}
			}
			return [][]byte{m}
		}, lost: 1, doubled: 1},
		"says what nobody posted": {wrong: func(n int, m []byte) [][]byte {
			if n == 5 {
				return [][]byte{m, []byte("01M83G7N1J0007Z5Y1GMAQEHC4good evening")}
			}
			return [][]byte{m}
		}, foreign: 1},
		"reports an error": {wrong: func(n int, m []byte) [][]byte {
			if n == 5 {
				return [][]byte{m, []byte("error: no")}
			}
			return [][]byte{m}
		}, errors: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := fanned(t, shortly((&fake{wrong: test.wrong}).start(t)))
			type found struct{ posted, lost, doubled, disordered, foreign, errors uint64 }
			got := found{r.Posted, r.Lost, r.Doubled, r.Disordered, r.Foreign, r.Errors}
			want := found{50, test.lost * faultUsers, test.doubled * faultUsers, test.disordered * faultUsers, test.foreign * faultUsers, test.errors * faultUsers}
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if r.Expected != 50*faultUsers || r.Dropped+r.Refused != 0 {
				t.Errorf("%d expected, %d dropped, %d refused", r.Expected, r.Dropped, r.Refused)
			}
		})
	}
}

// Who is told to come again later does, and it is counted.
func TestRefusedComeAgain(t *testing.T) {
	f := (&fake{refuse: 5}).start(t)
	if r := fanned(t, shortly(f)); r.Refused != 5 || r.Lost != 0 || r.Delivered != r.Expected {
		t.Errorf("%d refused, %d lost, %d of %d delivered", r.Refused, r.Lost, r.Delivered, r.Expected)
	}
}

// Any other answer is the end of the run, and is in its error.
func TestForbiddenIsAnError(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := Run(context.Background(), shortly(&fake{url: s.URL}))
	if want := "bench-user-"; err == nil || err.Error()[:len(want)] != want {
		t.Fatal(err)
	}
	if want := "the server answered the handshake with 404 Not Found"; errors.Unwrap(err).Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestNobodyThereIsAnError(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	if _, err := Run(context.Background(), shortly(&fake{url: s.URL})); err == nil {
		t.Error("no error")
	}
}

// A run ends at once when it is told to, in the middle of its load.
func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := shortly((&fake{}).start(t))
	cfg.Duration = time.Hour
	cfg.Progress = func(p Progress) {
		if p.Phase == phaseMeasuring {
			cancel()
		}
	}
	if _, err := Run(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The samples tell of every delivery and of latency once it is counted.
func TestSeries(t *testing.T) {
	cfg := shortly((&fake{}).start(t))
	cfg.Warmup, cfg.Duration = 600*time.Millisecond, 600*time.Millisecond
	r := fanned(t, cfg)
	if len(r.Series) < 2 {
		t.Fatalf("%d samples of 1.2 s", len(r.Series))
	}
	if first, second := r.Series[0], r.Series[1]; first.Deliveries == 0 || first.P99 != 0 || second.P99 == 0 {
		t.Errorf("in the warm-up %+v, after it %+v", first, second)
	}
	if len(r.Latency) == 0 || r.P50 == 0 || r.P50 > r.P99 || r.P99 > r.Max {
		t.Errorf("p50 %g, p99 %g, max %g, %d quantiles", r.P50, r.P99, r.Max, len(r.Latency))
	}
}
