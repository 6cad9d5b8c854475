package main

import (
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/klatch-chat/klatch/cli"
)

// timerSlack is how much later than asked the kernel may end a sleep of a
// thread. The monitor thread of Go's runtime asks for 20 µs again and again while
// anything runs; with the usual slack of 50 µs that was a fifth of a node's CPU
// at 200 posts a second. Nothing here needs to be woken more precisely than this.
const timerSlack = time.Millisecond

// slackened marks the second start, whatever the kernel made of the first.
const slackened = "_KLATCH_SLACKENED=1"

// slackenTimers starts the program once more with timerSlack, and without secrets
// among its arguments. A thread has its slack from the one that made it, and the
// monitor is made before any code of ours runs; but execve keeps the caller's
// (prctl(2), PR_SET_TIMERSLACK). Where this cannot be done the program goes on as
// it is.
func slackenTimers() {
	if slices.Contains(os.Environ(), slackened) {
		_ = os.Unsetenv("_KLATCH_SLACKENED")
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack.Nanoseconds()), 0, 0, 0) == nil {
		args, environ := cli.HideSecrets(os.Args, os.Environ())
		_ = syscall.Exec(self, args, append(environ, slackened))
	}
}
