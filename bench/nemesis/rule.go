package nemesis

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Rule is what happens to all that one node sends to another. The zero Rule is
// an undisturbed network.
type Rule struct {
	Drop   bool          // nothing arrives
	Delay  time.Duration // of everything
	Jitter time.Duration // up to so much more
	Loss   float64       // the share of packets that vanish, 0 to 1
}

// retransmission is what a loss costs where TCP is carried as a stream and no
// packet can be lost: the least time after which Linux sends again (RFC 6298 has 1 s).
const retransmission = 200 * time.Millisecond

func (r Rule) String() string {
	var words []string
	if r.Drop {
		words = append(words, "cut")
	}
	if r.Delay > 0 || r.Jitter > 0 {
		words = append(words, fmt.Sprintf("delay %s±%s", r.Delay, r.Jitter))
	}
	if r.Loss > 0 {
		words = append(words, fmt.Sprintf("loss %.0f%%", 100*r.Loss))
	}
	return strings.Join(words, " ")
}

// lost decides about one packet.
func (r Rule) lost() bool { return r.Drop || r.Loss > 0 && rand.Float64() < r.Loss }

// late is how much later than now a packet arrives.
func (r Rule) late() time.Duration {
	if r.Jitter <= 0 {
		return r.Delay
	}
	return r.Delay + rand.N(r.Jitter)
}
