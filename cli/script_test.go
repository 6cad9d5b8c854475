package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/web/browsertest"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		"klatch": func() { os.Exit(Main(os.Args, os.Stdout, os.Stderr)) },
	})
}

// leakChecked fails the tests that leave goroutines behind.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	browsertest.Close()
	if err := leaked(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// leaked looks until a probe of memberlist's that was under way has run out of
// its time: its Shutdown does not wait for it.
func leaked() (err error) {
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}

// TestScripts runs the binary as people and scripts do. Beside testscript's own
// commands there are:
//
//	exits CODE COMMAND ...   runs a command that must end with exactly this code
//	node NAME FLAGS ...      starts klatch serve, waits until it is ready and sets
//	                         $NAME to its first address as URL and $NAME_addr to its host and port, $NAME_ops to those of its metrics, $NAME_cluster to those of gossip and links; what it printed is in NAME.out, its log in NAME.err
//	signal NAME CODE         sends SIGTERM and waits; it must end with this code
//	ended NAME CODE          waits for a node that ends by itself
func TestScripts(t *testing.T) {
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"exits": cmdExits, "node": cmdNode, "signal": cmdSignal, "ended": cmdEnded,
	}
	maps.Copy(commands, scriptCommands)
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: commands,
		Setup: func(env *testscript.Env) error {
			env.Values[nodesKey{}] = map[string]*runningNode{}
			return nil
		},
	})
}

func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	checkCode(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func checkCode(ts *testscript.TestScript, want string, err error) {
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

type nodesKey struct{}

// runningNode is a klatch serve that a script has started.
type runningNode struct {
	cmd  *exec.Cmd
	rest chan struct{} // closed when its output has ended
}

func nodesOf(ts *testscript.TestScript) map[string]*runningNode {
	return ts.Value(nodesKey{}).(map[string]*runningNode)
}

func cmdNode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: node NAME FLAGS ...")
	}
	name := args[0]
	cmd := exec.Command("klatch", append([]string{"serve"}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "KLATCH_OPS_ADDR=off")
	errors, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer errors.Close()
	cmd.Stderr = errors
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })

	n := &runningNode{cmd: cmd, rest: make(chan struct{})}
	nodesOf(ts)[name] = n
	greeting := make([]byte, 4096) // printed in one write, so it comes in one read
	size, _ := out.Read(greeting)
	go func() {
		_, _ = io.Copy(io.Discard, out)
		close(n.rest)
	}()
	if size == 0 {
		ts.Fatalf("%s ended before it was ready:\n%s", name, ts.ReadFile(name+".err"))
	}
	url, _, _ := strings.Cut(string(greeting), " ")
	ts.Setenv(name, url)
	ts.Setenv(name+"_addr", strings.TrimPrefix(url, "http://"))
	for line := range strings.Lines(string(greeting[:size])) {
		if address, ok := strings.CutSuffix(line, " metrics and profiles\n"); ok {
			ts.Setenv(name+"_ops", strings.TrimPrefix(address, "http://"))
		}
		if address, ok := strings.CutSuffix(line, " gossip and links of the cluster\n"); ok {
			ts.Setenv(name+"_cluster", address)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(name+".out"), greeting[:size], 0o600))
}

func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: signal NAME CODE")
	}
	ts.Check(nodesOf(ts)[args[0]].cmd.Process.Signal(syscall.SIGTERM))
	cmdEnded(ts, false, args)
}

func cmdEnded(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: ended NAME CODE")
	}
	n := nodesOf(ts)[args[0]]
	<-n.rest // before Wait, which closes the pipe
	checkCode(ts, args[1], n.cmd.Wait())
}
