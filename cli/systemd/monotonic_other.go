//go:build !linux

package systemd

import "time"

var begun = time.Now()

// monotonic is any clock that only rises: there is no systemd here to compare it.
func monotonic() time.Duration { return time.Since(begun) }
