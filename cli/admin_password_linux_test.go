package cli

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Who gives up at the password must be able to see what he types next.
func TestSignalAtPasswordRestoresTheTerminal(t *testing.T) {
	master, slave, err := openTerminal(80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	cmd := exec.Command("klatch", "admin", "user", "add", "ada", "--data", t.TempDir())
	cmd.Stdin = slave
	prompts, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(prompts).ReadString(':'); err != nil {
		t.Fatal(err)
	}
	if err := awaitHidden(slave); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("it ends with %v", err)
	}
	if on, err := echoes(slave); err != nil || !on {
		t.Errorf("the terminal echoes no more: %v", err)
	}
}

// A password is not seen on the terminal where it is typed.
func TestPasswordIsHidden(t *testing.T) {
	master, slave, err := openTerminal(80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	typed := make(chan error, 1)
	prompts := writerFunc(func(p []byte) (int, error) {
		if strings.HasSuffix(string(p), ": ") {
			go func() {
				err := awaitHidden(slave)
				if err == nil {
					_, err = master.WriteString("correct horse\n")
				}
				typed <- err
			}()
		}
		return len(p), nil
	})
	got, err := readHidden(slave, prompts, "New password: ")
	if err := errors.Join(err, <-typed); err != nil || got != "correct horse" {
		t.Fatalf("read %q, %v", got, err)
	}
	if _, err := slave.WriteString("end\n"); err != nil {
		t.Fatal(err)
	}
	shown, err := bufio.NewReader(master).ReadString('\n')
	if err != nil || strings.Contains(shown, "horse") || !strings.Contains(shown, "end") {
		t.Errorf("the terminal shows %q, %v", shown, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// awaitHidden returns when the terminal echoes no more.
func awaitHidden(terminal *os.File) error {
	for {
		if on, err := echoes(terminal); err != nil || !on {
			return err
		}
		runtime.Gosched()
	}
}

func echoes(terminal *os.File) (bool, error) {
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		return false, err
	}
	return state.Lflag&unix.ECHO != 0, nil
}
