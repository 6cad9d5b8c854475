package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what the server's process used during the load, and what others took of the machine.
type Usage struct {
	Steal    float64 `json:"steal"` // share of the machine's time that other virtual machines took
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
	machine machine
	usage   Usage
	done    chan struct{}
	stopped chan struct{}
}

// startWatch samples a process until stop. PID 0 watches nothing.
func startWatch(pid int) *watch {
	w := &watch{pid: pid, begun: time.Now(), machine: machineTime(), done: make(chan struct{}), stopped: make(chan struct{})}
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
	w.usage.Steal = machineTime().stealSince(w.machine)
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

// machine is time since boot, in clock ticks, over all processors.
type machine struct{ total, steal float64 }

// machineTime reads the first line of /proc/stat; zero where there is none.
func machineTime() (m machine) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m
	}
	line, _, _ := strings.Cut(string(b), "\n")
	// user nice system idle iowait irq softirq steal; what follows is counted in user and nice.
	for i, f := range strings.Fields(line) {
		if v, err := strconv.ParseFloat(f, 64); err == nil && i <= 8 {
			m.total += v
			if i == 8 {
				m.steal = v
			}
		}
	}
	return m
}

func (m machine) stealSince(before machine) float64 {
	if m.total <= before.total {
		return 0
	}
	return (m.steal - before.steal) / (m.total - before.total)
}
