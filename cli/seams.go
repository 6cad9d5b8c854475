package cli

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Clock and Disk are what a node tells time by and stores on. They are never
// flags: only a build of tag nemesis sets them, before Main, so that a test can
// have one process of a cluster be wrong about the time, or its disk full or slow.
var (
	Clock func() time.Time = time.Now
	Disk  vfs.FS           = vfs.Default
)
