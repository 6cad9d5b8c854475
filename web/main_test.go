package web_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// sideBySide is how many tests run at a time at the most: more of them than
// there are processors only make each other wait.
const sideBySide = 2

// bin is where klatch is built.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	if err := flag.Set("test.parallel", strconv.Itoa(min(sideBySide, runtime.GOMAXPROCS(0)))); err != nil {
		return complain(err)
	}
	dir, err := os.MkdirTemp("", "klatch-web")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	bin = dir
	code = m.Run()
	browsertest.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		return complain(err)
	}
	return code
}

func complain(err error) (code int) {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// klatch is the binary, built by the first test that starts a node.
var klatch = sync.OnceValues(func() (path string, err error) {
	path = filepath.Join(bin, "klatch")
	if out, err := exec.Command("go", "build", "-o", path, "../cli/klatch").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build klatch: %w\n%s", err, out)
	}
	return path, nil
})
