package engineio

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Clients that do everything at once, and in any order, while servers send and
// close: the handlers' promises hold (echo looks), and no session is left.
func TestChaos(t *testing.T) {
	w := newWorld(t, on{sockets: lively(time.Second), config: func(c *Config) {
		c.QueueBytes, c.CloseTimeout, c.UpgradeTimeout, c.AllowEIO3 = 20_000, 50*time.Millisecond, 50*time.Millisecond, true
	}})
	const sessions, clients, acts = 12, 3, 8
	var all []*made
	var acting sync.WaitGroup
	for i := range sessions {
		version := []string{"EIO=4", "EIO=3"}[i%2]
		_, _ = w.do("GET", version+"&transport=polling", "")
		m := receive(t, w.made, "a session")
		all = append(all, m)
		session := version + "&transport=polling&sid=" + m.ID()
		for range clients {
			acting.Go(func() {
				for range acts {
					w.act(m, session)
				}
			})
		}
	}
	acting.Wait()
	for _, m := range all {
		m.End("the chaos is over")
		receive(t, m.ended, "Closed")
	}
	eventually(t, "no session is left", func() bool { return w.Sessions() == 0 })
}

// act does something that may or may not be allowed. Nothing is expected of it.
func (w *world) act(m *made, session string) {
	switch rand.N(7) {
	case 0:
		w.wild("GET", session, "")
	case 1:
		w.wild("POST", session, []string{"4a\x1e4b", "2:4a2:4b", "3", "1:2", "4a\x1e1", "bad"}[rand.N(6)])
	case 2:
		for range rand.N(300) {
			m.Send(messageFrame(rand.N(2) == 0, "chaos"))
		}
	case 3, 4:
		w.wildUpgrade(strings.Replace(session, "polling", "websocket", 1))
	case 5:
		if rand.N(8) == 0 {
			m.Close(0, "")
		}
	case 6:
		_, _ = m.Transport(), m.Queued()
	}
}

func (w *world) wild(method, session, body string) {
	client := &http.Client{Transport: w.http.Transport, Timeout: time.Duration(1+rand.N(200)) * time.Millisecond}
	r, _ := http.NewRequest(method, w.url+"/?"+session, strings.NewReader(body))
	if answer, err := client.Do(r); err == nil {
		_ = answer.Body.Close()
	}
}

func (w *world) wildUpgrade(query string) {
	c, status, err := w.connect(query)
	if err != nil || status != http.StatusSwitchingProtocols {
		return
	}
	defer c.conn.Close()
	_ = c.conn.SetDeadline(time.Now().Add(time.Duration(rand.N(100)) * time.Millisecond))
	for _, text := range []string{"2probe", "5", "4hello", "3", "2", "1"} {
		if rand.N(5) > 0 {
			_, _ = c.conn.Write(masked(frameOf(packetType(text[0]), text[1:])))
		}
		if rand.N(2) == 0 {
			_, _, _ = c.read()
		}
	}
}
