package bench

import "time"

// Meter tells what processes here use while a load runs that is not the bench's own.
type Meter struct {
	sources sources
	begun   time.Time
	first   reading
	machine machine
}

// NewMeter begins to measure. Processes that cannot be read count as nothing.
func NewMeter(pids []int) *Meter {
	m := &Meter{sources: sources{pids: pids}, begun: time.Now(), machine: machineTime()}
	m.first = m.sources.processes()
	return m
}

// Usage is what was used since the beginning. Memory is read at both ends only.
func (m *Meter) Usage() Usage {
	last, now := m.sources.processes(), machineTime()
	return Usage{
		Seconds: time.Since(m.begun).Seconds(), CPU: last.cpu - m.first.cpu,
		StartMiB: m.first.resident, MaxMiB: max(m.first.resident, last.resident), EndMiB: last.resident,
		Steal: now.share(m.machine, func(m machine) float64 { return m.steal }),
		Idle:  now.share(m.machine, func(m machine) float64 { return m.idle }),
	}
}
