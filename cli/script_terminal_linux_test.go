package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// With it scripts have
//
//	terminal FILE COLUMNS ROWS COMMAND ...   runs a command with a terminal as its standard output, and writes to FILE what it draws
func init() { scriptCommands["terminal"] = cmdTerminal }

func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: terminal FILE COLUMNS ROWS COMMAND ...")
	}
	columns, err := strconv.ParseUint(args[1], 10, 16)
	ts.Check(err)
	rows, err := strconv.ParseUint(args[2], 10, 16)
	ts.Check(err)
	master, slave, err := openTerminal(uint16(columns), uint16(rows))
	ts.Check(err)
	defer master.Close()
	cmd := exec.Command(args[3], args[4:]...)
	cmd.Dir, cmd.Stdout = ts.MkAbs("."), slave
	cmd.Env = append(os.Environ(), "KLATCH_DATA="+ts.Getenv("KLATCH_DATA"))
	ts.Check(cmd.Start())
	ts.Check(slave.Close())
	drawn, _ := io.ReadAll(master) // ends with EIO when nobody has the terminal any more
	if err := cmd.Wait(); (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), drawn, 0o600))
}

// openTerminal makes a pseudo-terminal (pty(7)).
func openTerminal(columns, rows uint16) (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	}
	var n uint32
	if err == nil {
		n, err = unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}
