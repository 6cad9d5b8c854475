package engineio

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func (w *world) probe(session string) *wsClient {
	w.t.Helper()
	c := w.dial(strings.Replace(session, "polling", "websocket", 1))
	c.text("2probe")
	c.expect("3probe")
	return c
}

func (w *world) upgrade(m *made, session string) *wsClient {
	w.t.Helper()
	c := w.probe(session)
	c.text("5")
	eventually(w.t, "the session is on its WebSocket", func() bool { return m.Transport() == "websocket" })
	return c
}

func TestUpgrade(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	c := w.probe(session)
	w.poll(session, "6")
	c.text("5")
	c.text("4hello")
	c.expect("4hello")
	if m.Transport() != "websocket" {
		t.Error(m.Transport())
	}
	w.expectFailure("GET", session, badRequest)
	w.expectFailure("POST", session, badRequest)
	c.text("4still here")
	c.expect("4still here")
	c.text("1")
	m.expectEnd(ReasonTransportClose)
	w.expectFailure("GET", session, unknownSID)
}

func TestUpgradeLetsThePollGo(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	answer := w.waitingPoll(m, session)
	c := w.probe(session)
	if got := receive(t, answer, "the poll"); got != "6" {
		t.Errorf("the poll got %q", got)
	}
	c.text("5")
	c.text("4hello")
	c.expect("4hello")
}

// A client that upgrades without a probe, and without ending its poll.
func TestUpgradeAtOnce(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	answer := w.waitingPoll(m, session)
	c := w.dial(strings.Replace(session, "polling", "websocket", 1))
	c.text("5")
	if got := receive(t, answer, "the poll"); got != "6" {
		t.Errorf("the poll got %q", got)
	}
	m.Send(messageFrame(false, "hello"))
	c.expect("4hello")
}

func TestQueueGoesOverToTheWebSocket(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.QueueBytes = 1 << 20 }})
	m, session := w.polling()
	big := strings.Repeat("x", 700_000)
	m.Send(messageFrame(false, big))
	for i := range 1000 {
		m.Send(messageFrame(i%2 == 0, fmt.Sprint(i)))
	}
	c := w.probe(session)
	c.text("5")
	c.expect("4" + big)
	for i := range 1000 {
		if i%2 == 0 {
			c.expect("binary:" + fmt.Sprint(i))
		} else {
			c.expect("4" + fmt.Sprint(i))
		}
	}
}

func TestSecondUpgradeIsIgnored(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	first := w.probe(session)
	w.dial(strings.Replace(session, "polling", "websocket", 1)).expectClose()
	first.text("5")
	eventually(t, "the upgrade is made", func() bool { return m.Transport() == "websocket" })
	second := w.dial(strings.Replace(session, "polling", "websocket", 1))
	second.expectClose()
	first.text("4hello")
	first.expect("4hello")
}

func TestUpgradeOfAWebSocketIsIgnored(t *testing.T) {
	w := newWorld(t, on{})
	m, c := w.webSocket()
	w.dial("EIO=4&transport=websocket&sid=" + m.ID()).expectClose()
	w.expectFailure("GET", "EIO=4&transport=polling&sid="+m.ID(), badRequest)
	c.text("4hello")
	c.expect("4hello")
}

func TestFailedProbesLeaveTheSessionAlone(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	for name, fail := range map[string]func(c *wsClient){
		"gone":         func(c *wsClient) { _ = c.conn.Close() },
		"malformed":    func(c *wsClient) { c.text("abc"); c.expectClose() },
		"another ping": func(c *wsClient) { c.text("2"); c.expectClose() },
		"a message":    func(c *wsClient) { c.text("4hello"); c.expectClose() },
		"binary":       func(c *wsClient) { c.binary("hello"); c.expectClose() },
		"close":        func(c *wsClient) { c.text("1"); c.expectClose() },
		"probed, gone": func(c *wsClient) { c.text("2probe"); c.expect("3probe"); _ = c.conn.Close() },
	} {
		fail(w.dial(strings.Replace(session, "polling", "websocket", 1)))
		eventually(t, name+": the probe is given up", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.probing == nil })
		w.post(session, "4"+name)
		w.poll(session, "4"+name)
	}
	w.upgrade(m, session)
}

func TestProbeTimeout(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.UpgradeTimeout = time.Millisecond }})
	_, session := w.polling()
	c := w.dial(strings.Replace(session, "polling", "websocket", 1))
	c.expectClose()
	w.post(session, "4hello")
	w.poll(session, "4hello")
}

func TestEndWhileProbing(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	c := w.probe(session)
	m.Close(0, "")
	c.expectClose()
	w.poll(session, "1")
	m.expectEnd(ReasonForcedClose)
}

func TestUpgradedSessionIsPinged(t *testing.T) {
	w := newWorld(t, on{sockets: lively(time.Second)})
	m, session := w.polling()
	c := w.upgrade(m, session)
	for range 3 {
		c.expect("2")
		c.text("3")
	}
	c.expect("2")
	c.expectClose()
	m.expectEnd(ReasonPingTimeout)
}

// I5: whatever the moment of the upgrade, what is sent arrives once and in
// order, while polls come and go and messages come by both transports.
func TestI5NothingIsLostOrDoubledByAnUpgrade(t *testing.T) {
	const rounds, each = 20, 300
	for range rounds {
		w := newWorld(t, on{})
		m, session := w.polling()
		var sending sync.WaitGroup
		sending.Go(func() {
			for i := range each {
				m.Send(messageFrame(false, fmt.Sprint(i)))
			}
		})
		next := 0
		take := func(payload string) {
			for text := range strings.SplitSeq(payload, "\x1e") {
				if text == "6" {
					continue
				}
				if text != "4"+fmt.Sprint(next) {
					t.Fatalf("got %q, want message %d", text, next)
				}
				next++
			}
		}
		_, payload := w.do("GET", session, "")
		take(payload)
		c := w.probe(session)
		_, payload = w.do("GET", session, "")
		take(payload)
		c.text("5")
		for next < each {
			take(c.next())
		}
		sending.Wait()
		c.text("4done")
		c.expect("4done")
	}
}
