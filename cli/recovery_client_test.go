package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// recoveryStray is how many returns there are for each with a pid that is nobody's.
const recoveryStray = 50

// recoveryClient does what a library of Socket.IO does: it keeps pid and offset
// and comes back with them. Its app is the record.
type recoveryClient struct {
	// Static.
	x       *recovery
	room    string
	token   string
	polling bool

	// Owned by run's goroutine, on which lines hand over their packets.
	line        recoveryLine
	pid, offset string
	asked       recoveryAuth
	ref         int // of the page of history that is waited for
	welcome     bool

	mu     sync.Mutex
	record recoveryRecord
	ready  bool // it was told so once
	ends   recoveryEnds
}

// recoveryEnds counts how connections ended, and what was no connection.
type recoveryEnds struct{ cut, lost, failed, refused, bid int }

type recoveryAuth struct {
	Token  string `json:"token"`
	PID    string `json:"pid,omitempty"`
	Offset string `json:"offset,omitempty"`

	forged bool
}

// run comes back until ctx ends.
func (c *recoveryClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		if c.live(ctx); !c.welcome {
			c.pause(ctx)
		}
	}
}

// live is one connection.
func (c *recoveryClient) live(ctx context.Context) {
	c.welcome = false
	if err := c.dial(ctx); err != nil {
		c.end(func(e *recoveryEnds) { e.failed++ })
		return
	}
	defer context.AfterFunc(ctx, c.line.cut)()
	line, cut := c.line, make(chan struct{})
	death := time.AfterFunc(c.x.life(), func() {
		if c.x.atWar() {
			close(cut)
			line.cut()
		}
	})
	line.listen(c.take)
	line.cut()
	death.Stop()
	c.end(func(e *recoveryEnds) {
		select {
		case <-cut:
			e.cut++
		default:
			e.lost++
		}
	})
}

func (c *recoveryClient) end(count func(*recoveryEnds)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.ends)
}

func (c *recoveryClient) dial(ctx context.Context) (err error) {
	if c.polling {
		c.line = newRecoveryPoll(ctx, c.x.http, c.x.addrs)
		return nil
	}
	s, err := dialRecoverySocket(c.x.addrs[rand.N(len(c.x.addrs))])
	c.line = s
	return err
}

func refusesConnections(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// pause is the backoff.
func (c *recoveryClient) pause(ctx context.Context) {
	timer := time.NewTimer(50*time.Millisecond + rand.N(200*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take is one packet.
func (c *recoveryClient) take(packet string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := packet
	if strings.HasPrefix(packet, "4") {
		kind = packet[:min(2, len(packet))]
	} else if len(packet) > 1 {
		kind = packet[:1]
	}
	switch kind {
	case "0":
		c.connectLocked()
	case "2":
		c.line.write("3")
	case "40":
		c.connectedLocked(packet[2:])
	case "42":
		c.eventLocked(packet[2:])
	case "43":
		c.pageLocked(packet[2:])
	case "41":
		c.ends.bid++
		c.line.cut()
	case "44":
		c.ends.refused++
		c.line.cut()
	case "1":
		c.line.cut()
	}
}

func (c *recoveryClient) connectLocked() {
	c.asked = recoveryAuth{Token: c.token, PID: c.pid, Offset: c.offset}
	if c.offset != "" && rand.N(recoveryStray) == 0 && c.x.atWar() {
		c.asked.PID, c.asked.forged = c.pid[:len(c.pid)-4]+"AAAA", true
	}
	auth, err := json.Marshal(c.asked)
	if err != nil {
		panic(err)
	}
	c.line.write("40" + string(auth))
}

func (c *recoveryClient) connectedLocked(text string) {
	var answer struct{ PID string }
	if !c.read(text, &answer) {
		return
	}
	c.welcome, c.pid, c.ref = true, answer.PID, c.ref+1
	recovered := c.pid != "" && c.pid == c.asked.PID
	c.record.connected(c.asked.Offset != "", c.asked.forged, recovered)
	if recovered && c.record.lacking { // it was cut off while it read history
		c.askLocked("")
	}
}

// read decodes what a node says; what cannot be read fails the test.
func (c *recoveryClient) read(text string, out any) bool {
	err := json.Unmarshal([]byte(text), out)
	if err != nil {
		c.x.t.Errorf("a node said %.200q: %v", text, err)
		c.line.cut()
	}
	return err == nil
}

func (c *recoveryClient) eventLocked(text string) {
	var args []json.RawMessage
	var name string
	var event struct {
		ID        engine.ID
		Reason    string
		Duplicate bool
	}
	if !c.read(text, &args) || len(args) < 2 || !c.read(string(args[0]), &name) {
		return
	}
	switch name {
	case "ready":
		c.ready = true
	case "reset", "message", "message_deleted":
		if !c.read(string(args[1]), &event) {
			return
		}
	}
	switch name {
	case "ready":
	case "reset":
		c.record.reset(event.Reason)
		c.askLocked("")
	default:
		c.record.event()
	}
	switch name {
	case "message":
		c.record.message(event.ID)
	case "message_deleted":
		c.record.hide(event.ID)
	}
	if last := args[len(args)-1]; last[0] == '"' {
		c.read(string(last), &c.offset)
	}
}

// askLocked asks for a page of history.
func (c *recoveryClient) askLocked(before string) {
	c.ref++
	c.line.write(fmt.Sprintf(`42%d["history",{"room":%q,"limit":200,"before":%q}]`, c.ref, c.room, before))
}

func (c *recoveryClient) pageLocked(text string) {
	at := strings.IndexByte(text, '[')
	if at < 0 || text[:at] != fmt.Sprint(c.ref) {
		return
	}
	var answer []struct {
		OK    bool
		Items []struct{ ID engine.ID }
		Prev  string
	}
	if !c.read(text[at:], &answer) {
		return
	}
	if len(answer) != 1 || !answer[0].OK {
		c.line.cut() // it asks again when it has come back
		return
	}
	ids := make([]engine.ID, len(answer[0].Items))
	for i, m := range answer[0].Items {
		ids[i] = m.ID
	}
	c.record.fill(ids)
	if answer[0].Prev == "" {
		c.record.filled()
		return
	}
	c.askLocked(answer[0].Prev)
}

// isReady reports whether the client has ever been.
func (c *recoveryClient) isReady() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

func (c *recoveryClient) complete(room *recoveryTruth) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.record.complete(room)
}
