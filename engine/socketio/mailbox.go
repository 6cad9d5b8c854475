package socketio

import (
	"sync"
	"time"
)

// mailbox has a connection's listeners run one after the other, apart from its
// reading, so that they may wait: for a database, or for an acknowledgement that
// has yet to be read. A goroutine works while there is something to do.
type mailbox struct {
	start     func(work func()) // runs work in a goroutine
	crashed   func(cause any)   // told of a panic
	maxJobs   int
	maxBytes  int
	patience  time.Duration
	room      chan struct{} // has room for one word that a job was taken
	mu        sync.Mutex
	jobs      []job
	bytes     int
	isRunning bool
}

type job struct {
	size int
	do   func()
}

func newMailbox(maxBytes int, patience time.Duration, start func(func()), crashed func(any)) *mailbox {
	return &mailbox{start: start, crashed: crashed, maxJobs: 256, maxBytes: maxBytes, patience: patience, room: make(chan struct{}, 1)}
}

// put adds a job, waits for room if need be, and reports whether there was some
// in time. Only one goroutine at a time may call it.
func (m *mailbox) put(size int, do func()) bool {
	if m.tryPut(size, do) {
		return true
	}
	timeout := time.NewTimer(m.patience)
	defer timeout.Stop()
	for {
		select {
		case <-m.room:
		case <-timeout.C:
			return false
		}
		if m.tryPut(size, do) {
			return true
		}
	}
}

// putLast adds a job whether there is room or not: the last of a socket's.
func (m *mailbox) putLast(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addLocked(job{do: do})
}

func (m *mailbox) tryPut(size int, do func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.jobs) > 0 && (len(m.jobs) >= m.maxJobs || m.bytes+size > m.maxBytes) {
		return false
	}
	m.addLocked(job{size, do})
	return true
}

func (m *mailbox) addLocked(j job) {
	m.jobs = append(m.jobs, j)
	m.bytes += j.size
	if !m.isRunning {
		m.isRunning = true
		m.start(m.work)
	}
}

func (m *mailbox) work() {
	for {
		do := m.next()
		if do == nil {
			return
		}
		select {
		case m.room <- struct{}{}:
		default:
		}
		m.run(do)
	}
}

func (m *mailbox) next() func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.jobs) == 0 {
		m.isRunning, m.jobs = false, nil
		return nil
	}
	j := m.jobs[0]
	m.jobs[0] = job{}
	m.jobs = m.jobs[1:]
	m.bytes -= j.size
	return j.do
}

func (m *mailbox) run(do func()) {
	defer func() {
		if cause := recover(); cause != nil {
			m.crashed(cause)
		}
	}()
	do()
}
