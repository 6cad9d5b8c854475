package engine

// ShrinkRing makes the hub forget all but a few recent events, so that sessions
// that were away are served from the log.
func (e *Engine) ShrinkRing(events int) { e.hub.ringMax = events }

// LimitBans sets how many bans there may be of each sort.
func (e *Engine) LimitBans(most int) { e.bans.most = most }

// StopPresence ends the telling once a second; TellPresence does it at a test's word.
func (e *Engine) StopPresence() {
	e.presence.close()
	e.presence.stop = make(chan struct{}) // for Close
}

func (e *Engine) TellPresence() { e.presence.tell() }

// Waiters is how many requests wait for a position.
func (e *Engine) Waiters() int {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	return len(e.hub.waiters)
}

// CountHashes counts the passwords that are hashed from now on. Until stop only
// one goroutine may sign in.
func (e *Engine) CountHashes() (count func() int, stop func()) {
	before, slots, over := e.passwords.slots, make(chan struct{}), make(chan struct{})
	e.passwords.slots = slots
	hashes, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-slots:
				hashes++
				slots <- struct{}{}
			case <-over:
				return
			}
		}
	}()
	return func() int { h := hashes; hashes = 0; return h }, func() {
		close(over)
		<-done
		e.passwords.slots = before
	}
}

// HoldCommitter has the committer hang until release.
func (e *Engine) HoldCommitter() (release func(), err error) {
	held, hold := make(chan struct{}), make(chan struct{})
	err = e.submit(write{
		between: func() error { close(held); <-hold; return nil },
		done:    func(Receipt, error) {},
	})
	if err == nil {
		<-held
	}
	return func() { close(hold) }, err
}

// FillQueue submits writes until no more are taken.
func (e *Engine) FillQueue() (n int) {
	w := write{size: 1 << 20, prepare: func(*batch) error { return ErrForbidden }, done: func(Receipt, error) {}}
	for e.submit(w) == nil {
		n++
	}
	return n
}
