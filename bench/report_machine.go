package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where a run took place. The server of an own run shares it with the generator.
type Machine struct {
	Cores     int
	Processor string // empty: not told
	MiB       int    // of memory; 0: not told
	System    string // operating system, architecture and kernel
	Go        string
}

// ThisMachine tells of the one we run on.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	m.Processor = procField("/proc/cpuinfo", "model name")
	if kib, _, _ := strings.Cut(procField("/proc/meminfo", "MemTotal"), " "); kib != "" {
		n, _ := strconv.Atoi(kib)
		m.MiB = n >> 10
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", kernel " + strings.TrimSpace(string(kernel))
	}
	return m
}

// procField is the first value of a name in a file of "name : value" lines.
func procField(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (m Machine) String() string {
	s := fmt.Sprintf("%d cores", m.Cores)
	if m.Cores == 1 {
		s = "1 core"
	}
	if m.Processor != "" {
		s += " of " + m.Processor
	}
	if m.MiB > 0 {
		s += fmt.Sprintf(", %.1f GiB of memory", float64(m.MiB)/1024)
	}
	return s
}
