//go:build nemesis

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/cli"
)

// A klatch of tag nemesis has a clock that can be wrong and a disk that can be
// slow or full, as the file named by KLATCH_NEMESIS tells from moment to moment.
// It is for bench/nemesis and nobody else.
func init() {
	path := os.Getenv("KLATCH_NEMESIS")
	if path == "" {
		return
	}
	n := &nemesis{path: path}
	cli.Clock = n.now
	cli.Disk = disturbed{vfs.Default, n}
}

// disturbance is what the file says.
type disturbance struct {
	SkewMS  int64  `json:"skew_ms"`
	Disk    string `json:"disk"`     // ok, slow or full
	SlowMS  int64  `json:"slow_ms"`  // of each sync, when slow
	GraceMS int64  `json:"grace_ms"` // for which a full disk still takes what is written
}

// lookEvery bounds how often the file is looked at.
const lookEvery = 20 * time.Millisecond

// nemesis knows what the file says.
type nemesis struct {
	path string

	mu      sync.Mutex
	looked  time.Time
	written time.Time // when the file was
	since   time.Time // when it was read
	last    disturbance
}

// present returns what holds now, and since when. A file that cannot be read
// changes nothing.
func (n *nemesis) present() (disturbance, time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if now.Sub(n.looked) < lookEvery {
		return n.last, n.since
	}
	n.looked = now
	info, err := os.Stat(n.path)
	if err != nil || info.ModTime().Equal(n.written) {
		return n.last, n.since
	}
	b, err := os.ReadFile(n.path)
	var d disturbance
	if err == nil && json.Unmarshal(b, &d) == nil {
		n.written, n.since, n.last = info.ModTime(), now, d
	}
	return n.last, n.since
}

func (n *nemesis) now() time.Time {
	d, _ := n.present()
	return time.Now().Add(time.Duration(d.SkewMS) * time.Millisecond)
}

// room returns the error of a write while the disk is full.
func (n *nemesis) room() error {
	d, since := n.present()
	if d.Disk == "full" && time.Since(since) >= time.Duration(d.GraceMS)*time.Millisecond {
		return fmt.Errorf("nemesis: %w", syscall.ENOSPC)
	}
	return nil
}

// sync is what a sync has to wait for.
func (n *nemesis) sync() {
	if d, _ := n.present(); d.Disk == "slow" {
		time.Sleep(time.Duration(d.SlowMS) * time.Millisecond)
	}
}

// disturbed is a disk under a nemesis.
type disturbed struct {
	vfs.FS
	n *nemesis
}

func (d disturbed) Unwrap() vfs.FS { return d.FS }

func (d disturbed) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	usage, err := d.FS.GetDiskUsage(path)
	if now, _ := d.n.present(); now.Disk == "full" {
		usage.AvailBytes = 0
	}
	return usage, err
}

func (d disturbed) open(do func() (vfs.File, error)) (vfs.File, error) {
	if err := d.n.room(); err != nil {
		return nil, err
	}
	f, err := do()
	if err != nil {
		return nil, err
	}
	return disturbedFile{f, d.n}, nil
}

func (d disturbed) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.open(func() (vfs.File, error) { return d.FS.Create(name, c) })
}

func (d disturbed) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.open(func() (vfs.File, error) { return d.FS.OpenReadWrite(name, c, opts...) })
}

func (d disturbed) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.open(func() (vfs.File, error) { return d.FS.ReuseForWrite(oldname, newname, c) })
}

// disturbedFile is a file that is written to under a nemesis.
type disturbedFile struct {
	vfs.File
	n *nemesis
}

func (f disturbedFile) Write(p []byte) (int, error) {
	if err := f.n.room(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f disturbedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.n.room(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f disturbedFile) Preallocate(offset, length int64) error {
	if err := f.n.room(); err != nil {
		return err
	}
	return f.File.Preallocate(offset, length)
}

func (f disturbedFile) Sync() error { f.n.sync(); return f.File.Sync() }

func (f disturbedFile) SyncData() error { f.n.sync(); return f.File.SyncData() }

func (f disturbedFile) SyncTo(length int64) (bool, error) { f.n.sync(); return f.File.SyncTo(length) }
