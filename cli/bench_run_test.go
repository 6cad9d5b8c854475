package cli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/bench"
)

// The generator and a real server understand each other in every format, and
// nothing that happens between them is a fault.
func TestBenchAgainstTheServer(t *testing.T) {
	x := newCrash(t)
	x.start()
	for name, protocol := range map[string]bench.Protocol{
		"json": bench.Klatch(x.server.Secret), "cbor": bench.KlatchCBOR(x.server.Secret), "socketio": bench.KlatchSocketIO(x.server.Secret),
	} {
		cfg := bench.Scenarios["rooms"]
		cfg.URLs, cfg.PIDs, cfg.Metrics, cfg.Protocol = []string{x.server.URL}, []int{x.server.PID()}, []string{x.server.Metrics}, protocol
		cfg.Users, cfg.Rooms, cfg.Warmup, cfg.Duration = 20, 4, 200*time.Millisecond, 800*time.Millisecond
		r, err := bench.Run(context.Background(), cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.Posted != 200 || r.Delivered != 1000 || r.Expected != 1000 || r.Lost+r.Doubled+r.Disordered+r.Foreign+r.Errors+r.Unsent != 0 || r.Dropped != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if r.P50 <= 0 || r.Usage.CPU <= 0 || r.Usage.MaxMiB <= 0 || r.Usage.Goroutines <= 0 || len(r.Series) == 0 {
			t.Errorf("%s: p50 %g, usage %+v, %d samples", name, r.P50, r.Usage, len(r.Series))
		}
	}
}

func TestBenchStormAndHistoryAgainstTheServer(t *testing.T) {
	x := newCrash(t)
	x.start()
	for name, protocol := range map[string]bench.Protocol{"cbor": bench.KlatchCBOR(x.server.Secret), "socketio": bench.KlatchSocketIO(x.server.Secret)} {
		cfg := bench.Scenarios["storm"]
		cfg.URLs, cfg.PIDs, cfg.Protocol = []string{x.server.URL}, []int{x.server.PID()}, protocol
		cfg.Users, cfg.Rooms, cfg.Duration = 20, 4, time.Second
		r, err := bench.Run(context.Background(), cfg)
		if err != nil {
			t.Fatalf("storm, %s: %v", name, err)
		}
		if r.Storm.Missed+r.Doubled+r.Disordered+r.Errors != 0 || !r.Storm.Resumed || r.Storm.Sessions != 20 {
			t.Errorf("storm, %s: %+v, %+v", name, r.Storm, r)
		}
	}
	cfg := bench.Scenarios["history"]
	cfg.URLs, cfg.Secret = []string{x.server.URL}, x.server.Secret
	cfg.Users, cfg.Rate, cfg.Messages, cfg.Warmup, cfg.Duration = 4, 100, 200, 0, 700*time.Millisecond
	r, err := bench.Run(context.Background(), cfg)
	if err != nil || r.Delivered != 70 || r.Lost+r.Errors != 0 || r.Series[0].Deliveries == 0 {
		t.Errorf("history: %v, %+v", err, r)
	}
}

// Ctrl-C is no fault: it is said in one word, and nothing is left behind.
func TestBenchInterrupted(t *testing.T) {
	x := newCrash(t)
	dir, temporary := t.TempDir(), t.TempDir()
	cmd := exec.Command(x.config.Binary, "bench", "--users", "4", "--rooms", "2", "--duration", "1h", "--report", filepath.Join(dir, "x.html"), "rooms")
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the run", func() bool {
		files, err := os.ReadDir(temporary) // the server's data
		return err == nil && len(files) > 0
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || errs.String() != "klatch: interrupted\n" || out.Len() > 0 {
		t.Errorf("exit code %d, said %q and %q", code, out.String(), errs.String())
	}
	for _, d := range []string{dir, temporary} {
		if files, err := os.ReadDir(d); err != nil || len(files) > 0 {
			t.Errorf("left behind: %v, %v", files, err)
		}
	}
}
