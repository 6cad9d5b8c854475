package engine

import (
	"context"
	"testing"
	"time"
)

// timedConn keeps what is to be told when a frame has been written.
type timedConn struct {
	sent    int
	written []func()
}

func (c *timedConn) Send([]byte)                         { c.sent++ }
func (c *timedConn) SendTimed(_ []byte, written func())  { c.written = append(c.written, written) }
func (c *timedConn) Drained(context.Context) error       { return nil }
func (c *timedConn) Close(code CloseCode, reason string) {}

func (h *hub) tell(audience []*Session, d *delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tellLocked(audience, d)
}

// One delivery of a batch is timed, by turns, and every session gets its frame.
func TestSampleOfDeliveries(t *testing.T) {
	h := &hub{deliveryTime: newLatency()}
	const sessions, batches = 3, 9
	var audience []*Session
	var conns []*timedConn
	for range sessions {
		c := &timedConn{}
		conns = append(conns, c)
		audience = append(audience, &Session{conn: c, wire: plainWire{}})
	}
	for range batches {
		h.sample.since = time.Now().Add(-time.Hour)
		h.tell(nil, &delivery{notice: "to nobody"})
		h.tell(audience, &delivery{notice: "first"})
		h.tell(audience, &delivery{notice: "second"})
	}
	for i, c := range conns {
		if len(c.written) != batches/sessions || c.sent != 2*batches-len(c.written) {
			t.Errorf("session %d was timed %d times, and sent %d frames beside", i, len(c.written), c.sent)
		}
		for _, written := range c.written {
			written()
		}
	}
	if d := h.deliveryTime.Read(); d.Count != batches || d.Sum < batches*time.Hour.Seconds() {
		t.Errorf("observed %d of %d, %gs in all", d.Count, batches, d.Sum)
	}
	if n := h.deliveries.Load(); n != 2*batches*sessions {
		t.Errorf("%d deliveries", n)
	}
}

func TestSampleWithoutTimedConnections(t *testing.T) {
	h, c := &hub{deliveryTime: newLatency()}, &timedConn{}
	h.sample.since = time.Now()
	h.tell([]*Session{{conn: struct{ Conn }{c}, wire: plainWire{}}}, &delivery{notice: "n"}) // of which only Conn is seen
	if c.sent != 1 || len(c.written) != 0 {
		t.Errorf("sent %d, timed %d", c.sent, len(c.written))
	}
}
