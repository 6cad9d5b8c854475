//go:build !linux

package nemesis

import "os/exec"

// dieWithUs is for systems that can tie a command's life to ours; this one cannot.
func dieWithUs(*exec.Cmd) {}
