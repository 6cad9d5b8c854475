package cli

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// shortSocketPath names a directory by a descriptor, which proc(5) shows as a
// path of a few bytes.
func shortSocketPath(data string) (path string, release func(), err error) {
	fd, err := unix.Open(data, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(fmt.Sprintf("/proc/self/fd/%d", fd), controlName), func() { _ = unix.Close(fd) }, nil
}
