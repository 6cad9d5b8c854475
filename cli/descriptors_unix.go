//go:build unix

package cli

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// raiseDescriptors allows this process as many open files as the system grants
// without asking for more, and returns how many.
func raiseDescriptors() (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the descriptor limit: %w", err)
	}
	if limit.Cur == limit.Max {
		return uint64(limit.Cur), nil
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("raise the descriptor limit to %d: %w", limit.Max, err)
	}
	return uint64(limit.Cur), nil
}
