package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func passwordFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "password-stdin", Usage: "read the password from standard input: one line"},
		&cli.BoolFlag{Name: "no-password", Usage: "no sign-in by password"},
	}
}

// maxPasswordLine bounds what is read; what a password may be, the node says.
const maxPasswordLine = 4096

// password returns the new password that a command is to set, "" for none. It is
// never an argument, which others on the machine could see.
func (e *errand) password() (string, error) {
	fromStdin, none := e.Bool("password-stdin"), e.Bool("no-password")
	switch {
	case fromStdin && none:
		return "", usageErrorf(e.Context, "--password-stdin and --no-password exclude each other")
	case none:
		return "", nil
	case fromStdin:
		return passwordLine(e.App.Reader)
	}
	terminal := terminalOf(e.App.Reader)
	if terminal == nil {
		return "", usageErrorf(e.Context, "there is no terminal to ask for the password: use --password-stdin or --no-password")
	}
	return askPassword(terminal, e.App.ErrWriter)
}

// passwordLine reads the one line that there must be.
func passwordLine(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPasswordLine+1))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line, rest, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return "", errors.New("standard input holds no password: --no-password is for none")
	case rest != "" || len(b) > maxPasswordLine:
		return "", errors.New("standard input holds more than one line: write the password alone")
	}
	return line, nil
}

func askPassword(terminal *os.File, prompts io.Writer) (string, error) {
	first, err := readHidden(terminal, prompts, "New password: ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", errors.New("that is no password: --no-password is for none")
	}
	again, err := readHidden(terminal, prompts, "Once more: ")
	switch {
	case err != nil:
		return "", err
	case first != again:
		return "", errors.New("these are two different passwords: nothing was changed")
	}
	return first, nil
}

// readHidden reads a line without echo. A signal meanwhile ends the program as
// ever, but not before the terminal shows again what is typed.
func readHidden(terminal *os.File, prompts io.Writer, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	release := onSignal(func() { _ = term.Restore(fd, before) })
	defer release()
	fmt.Fprint(prompts, prompt)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(prompts)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(b), nil
}

// onSignal does something before a signal ends the program, until it is released.
func onSignal(do func()) (release func()) {
	signals := make(chan os.Signal, 1)
	over, ended := make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(ended)
		select {
		case s := <-signals:
			do()
			signal.Reset(s)
			_ = syscall.Kill(os.Getpid(), s.(syscall.Signal))
		case <-over:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(over)
		<-ended
	}
}
