package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what the server's process used during the load.
type Usage struct {
	Seconds  float64 `json:"seconds"`
	CPU      float64 `json:"cpu_seconds"`
	StartMiB float64 `json:"start_mib"` // resident
	MaxMiB   float64 `json:"max_mib"`
}

// clockTick is the unit of CPU times in /proc: USER_HZ, which is 100 on Linux (proc(5)).
const clockTick = 100

type watch struct {
	pid     int
	begun   time.Time
	cpu     float64
	usage   Usage
	done    chan struct{}
	stopped chan struct{}
}

// startWatch samples a process until stop. PID 0 watches nothing.
func startWatch(pid int) *watch {
	w := &watch{pid: pid, begun: time.Now(), done: make(chan struct{}), stopped: make(chan struct{})}
	if pid == 0 {
		close(w.stopped)
		return w
	}
	w.cpu, _ = cpuSeconds(pid)
	w.usage.StartMiB, _ = residentMiB(pid)
	w.usage.MaxMiB = w.usage.StartMiB
	go w.sample()
	return w
}

func (w *watch) sample() {
	defer close(w.stopped)
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-t.C:
			m, _ := residentMiB(w.pid)
			w.usage.MaxMiB = max(w.usage.MaxMiB, m)
		}
	}
}

func (w *watch) stop() Usage {
	close(w.done)
	<-w.stopped
	if w.pid != 0 {
		cpu, _ := cpuSeconds(w.pid)
		w.usage.CPU, w.usage.Seconds = cpu-w.cpu, time.Since(w.begun).Seconds()
	}
	return w.usage
}

// cpuSeconds reads user and system time from /proc/PID/stat.
func cpuSeconds(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses and may hold spaces.
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("short stat of process %d", pid)
	}
	user, err1 := strconv.ParseFloat(f[11], 64)
	system, err2 := strconv.ParseFloat(f[12], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("odd stat of process %d", pid)
	}
	return (user + system) / clockTick, nil
}

func residentMiB(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0, fmt.Errorf("short statm of process %d", pid)
	}
	pages, err := strconv.ParseFloat(f[1], 64)
	return pages * float64(os.Getpagesize()) / (1 << 20), err
}
