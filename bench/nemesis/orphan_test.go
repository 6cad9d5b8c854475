package nemesis

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// haveChild opens a network, starts a command on it, says its pid and waits to be killed.
func haveChild(kind string) {
	n, err := OpenNetwork(kind, 1)
	if err != nil {
		panic(err)
	}
	cmd := exec.Command("sleep", "600")
	if err := n.Start(0, cmd); err != nil {
		panic(err)
	}
	fmt.Println(cmd.Process.Pid)
	_ = cmd.Wait()
}

// However the harness ends, its nodes end with it, and with them their namespaces.
func TestNodesDieWithTheHarness(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can tie a process to its parent")
	}
	for _, kind := range []string{Netns, Proxy} {
		t.Run(kind, func(t *testing.T) {
			if n, err := OpenNetwork(kind, 1); err != nil {
				t.Skip(err)
			} else if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), "NEMESIS_PARENT="+kind)
			parent.Stderr = os.Stderr
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			pid, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			_ = parent.Process.Kill()
			_ = parent.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := poll(ctx, 10*time.Millisecond, func() error { return dead(strings.TrimSpace(pid)) }); err != nil {
				t.Error(err)
			}
		})
	}
}

// dead returns an error while a process runs. One that nobody has waited for does not.
func dead(pid string) error {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "Z") {
		return fmt.Errorf("process %s lives on: %s", pid, stat)
	}
	return nil
}
