//go:build !linux

package cli

import "fmt"

func shortSocketPath(string) (path string, release func(), err error) {
	return "", nil, fmt.Errorf("it is longer than the %d bytes of a socket's address: use a shorter --data", maxSocketPath)
}
