package nemesis

import (
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also what the tests start in the place of nodes, and of themselves.
func TestMain(m *testing.M) {
	if addr := os.Getenv("NEMESIS_SPEAKER"); addr != "" {
		speak(addr)
		return
	}
	if kind := os.Getenv("NEMESIS_PARENT"); kind != "" {
		haveChild(kind)
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built.dir != "" {
			_ = os.RemoveAll(built.dir)
		}
		os.Exit(code)
	}))
}

// built is the klatch of all tests.
var built struct {
	once        sync.Once
	dir, binary string
	err         error
}

func klatch(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "nemesis-klatch-"); built.err == nil {
			built.binary, built.err = Build(built.dir)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.binary
}
