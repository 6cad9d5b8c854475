package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of CPU times in /proc: USER_HZ, which is 100 on Linux (proc(5)).
const clockTick = 100

// reading is what a source says of a server at one moment.
type reading struct {
	cpu        float64 // seconds since its start
	resident   float64 // MiB
	goroutines float64 // 0: not told
}

func (r *reading) add(o reading) {
	r.cpu += o.cpu
	r.resident += o.resident
	r.goroutines += o.goroutines
}

// readProcess reads /proc of one process.
func readProcess(pid int) (r reading, err error) {
	if r.cpu, err = cpuSeconds(pid); err != nil {
		return r, err
	}
	r.resident, err = residentMiB(pid)
	return r, err
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

// ownCPU is the time that this process has used, in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}

// machine is time since boot, in clock ticks, over all processors.
type machine struct{ total, idle, steal float64 }

// machineTime reads the first line of /proc/stat; zero where there is none.
func machineTime() (m machine) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m
	}
	line, _, _ := strings.Cut(string(b), "\n")
	// user nice system idle iowait irq softirq steal; what follows is counted in user and nice.
	for i, f := range strings.Fields(line) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil || i > 8 {
			continue
		}
		m.total += v
		switch i {
		case 4, 5:
			m.idle += v
		case 8:
			m.steal = v
		}
	}
	return m
}

// share is what part of the time since before went to what a field counts.
func (m machine) share(before machine, field func(machine) float64) float64 {
	if m.total <= before.total {
		return 0
	}
	return (field(m) - field(before)) / (m.total - before.total)
}
