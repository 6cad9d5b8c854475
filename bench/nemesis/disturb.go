package nemesis

import (
	"encoding/json"
	"os"
)

// Disturbance is what a node built with the tag nemesis is told by the file
// that KLATCH_NEMESIS names: how wrong its clock is, and how its disk behaves. It
// looks every 20 ms while it works.
type Disturbance struct {
	SkewMS int64  `json:"skew_ms"`
	Disk   string `json:"disk"`    // ok, slow or full
	SlowMS int64  `json:"slow_ms"` // of each sync, when slow
	// GraceMS is for how long a full disk still takes what is written: within it a
	// node finds out by itself that there is little left.
	GraceMS int64 `json:"grace_ms"`
}

// The states of a disk.
const (
	diskOK   = "ok"
	diskSlow = "slow"
	diskFull = "full"
)

// write replaces the file as a whole: a node never reads half of it.
func (d Disturbance) write(path string) error {
	if d.Disk == "" {
		d.Disk = diskOK
	}
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
