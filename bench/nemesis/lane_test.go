package nemesis

import (
	"testing"
	"testing/synctest"
	"time"
)

// Packets keep their order under jitter, arrive no sooner than the delay, and
// what waits is bounded.
func TestLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var came []byte
		began := time.Now()
		l := newLane(func(p []byte) {
			if late := time.Since(began); late < 100*time.Millisecond || late > 200*time.Millisecond {
				t.Errorf("packet %d came after %s", p[0], late)
			}
			came = append(came, p[0])
		})
		l.set(Rule{Delay: 100 * time.Millisecond, Jitter: 100 * time.Millisecond})
		p := make([]byte, 1000)
		for i := range 100 {
			p[0] = byte(i)
			l.send(p)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(came) != 100 {
			t.Errorf("%d of 100 packets came", len(came))
		}
		for i := 1; i < len(came); i++ {
			if came[i] < came[i-1] {
				t.Fatalf("packet %d came after %d", came[i], came[i-1])
			}
		}
		l.close()
	})
}

func TestLaneBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		came := 0
		l := newLane(func(p []byte) { came += len(p) })
		l.set(Rule{Delay: time.Second})
		for range 2 * laneBytes / 1000 {
			l.send(make([]byte, 1000))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if came > laneBytes || came < laneBytes/2 || l.dropped == 0 {
			t.Errorf("%d bytes came through a lane of %d, and %d packets were dropped", came, laneBytes, l.dropped)
		}
		l.set(Rule{Drop: true})
		came = 0
		l.send([]byte("x"))
		l.set(Rule{})
		l.send([]byte("yy"))
		if came != 2 {
			t.Errorf("%d bytes came, want those that were not dropped", came)
		}
		l.close()
	})
}
