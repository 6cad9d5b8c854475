package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var silent = slog.New(slog.DiscardHandler)

// testNode returns a node with two bare listeners that notes what is closed, in order.
func testNode(t *testing.T, closed *[]string) *node {
	note := func(name string) func() error {
		return func() error { *closed = append(*closed, name); return nil }
	}
	nothing := http.NotFoundHandler()
	return &node{
		log: silent, public: testListener(t, nothing, nil), ops: testListener(t, nothing, nil),
		drain: func(context.Context) { _ = note("drain")() },
		close: []func() error{note("store"), note("engine")},
	}
}

func signalled(signals ...os.Signal) chan os.Signal {
	c := make(chan os.Signal, len(signals))
	for _, s := range signals {
		c <- s
	}
	return c
}

func TestSignalDrains(t *testing.T) {
	var closed []string
	n := testNode(t, &closed)
	if err := n.run(signalled(syscall.SIGTERM)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"drain", "engine", "store"}; !slices.Equal(closed, want) {
		t.Errorf("closed %v, want %v", closed, want)
	}
	if _, err := http.Get(n.public.url()); err == nil {
		t.Error("still answers")
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, err := listen("--addr", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		hold := make(chan struct{})
		n := &node{log: silent, public: public, drain: func(context.Context) { <-hold }}
		signals, ended := signalled(syscall.SIGTERM, syscall.SIGTERM), make(chan error, 1)
		go func() { ended <- n.run(signals) }()
		time.Sleep(echo)
		select {
		case err := <-ended:
			t.Fatalf("an echo of the first signal ended it: %v", err)
		default:
		}
		signals <- syscall.SIGINT
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "second signal") {
			t.Errorf("run: %v", err)
		}
		close(hold)
	})
}

func TestBrokenListenerEndsNode(t *testing.T) {
	var closed []string
	n := testNode(t, &closed)
	n.ops.net.Close()
	err := n.run(make(chan os.Signal))
	if err == nil || !strings.Contains(err.Error(), "serve on") || len(closed) != 3 {
		t.Errorf("run: %v, closed %v", err, closed)
	}
}

func TestCloseReportsAll(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	var closed []string
	n := testNode(t, &closed)
	n.close = []func() error{func() error { return one }, func() error { return two }}
	if err := n.run(signalled(syscall.SIGINT)); !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("run: %v", err)
	}
}
