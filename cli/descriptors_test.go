package cli

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
)

func TestConnectionsFor(t *testing.T) {
	for descriptors, want := range map[uint64]int{
		256: 192, 1024: 768, 8192: 6144, 1 << 20: 1<<20 - 2048, 1<<64 - 1: 1<<31 - 1,
	} {
		if got := connectionsFor(descriptors); got != want {
			t.Errorf("connectionsFor(%d) = %d, want %d", descriptors, got, want)
		}
	}
	raised, err := raiseDescriptors()
	again, err2 := raiseDescriptors()
	if err != nil || err2 != nil || raised == 0 || raised != again {
		t.Errorf("raised to %d, %v, then %d, %v", raised, err, again, err2)
	}
}

// Tunnels take descriptors from clients, only in a cluster, and never more than
// are theirs.
func TestTunnelsTakeDescriptors(t *testing.T) {
	for _, descriptors := range []uint64{64, 256, 1024, 8192, 1 << 20, 1<<63 - 1} {
		alone, member := Config{}, Config{ClusterAddr: "127.0.0.1:0"}
		if got := alone.clientDescriptors(descriptors); got != descriptors {
			t.Errorf("without a cluster %d of %d", got, descriptors)
		}
		tunnels, rest := uint64(tunnelsFor(descriptors)), member.clientDescriptors(descriptors)
		if tunnels == 0 || tunnels > mostTunnels || rest+3*tunnels != descriptors || rest < descriptors*3/4 {
			t.Errorf("of %d: %d tunnels each way, %d for the rest", descriptors, tunnels, rest)
		}
	}
	config := Config{MaxConnections: 6144, ClusterAddr: "127.0.0.1:0"}
	if config.holdTo(8192, silent); config.MaxConnections != connectionsFor(8192-3*384) {
		t.Errorf("a member bears %d connections", config.MaxConnections)
	}
}

// TestHoldTo: --max-connections past the descriptor limit is cut to it, and the
// log says both numbers and what to do.
func TestHoldTo(t *testing.T) {
	for _, c := range []struct {
		asked, most int
		warns       bool
	}{{0, 6144, false}, {100, 100, false}, {6144, 6144, false}, {6145, 6144, true}, {1 << 30, 6144, true}} {
		var said strings.Builder
		config := Config{MaxConnections: c.asked}
		config.holdTo(8192, slog.New(slog.NewTextHandler(&said, nil)))
		if config.MaxConnections != c.most {
			t.Errorf("asked for %d: %d", c.asked, config.MaxConnections)
		}
		warned := strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), "descriptors=8192") &&
			strings.Contains(said.String(), "max-connections="+strconv.Itoa(c.asked)) &&
			strings.Contains(said.String(), "connections=6144") && strings.Contains(said.String(), "ulimit")
		if warned != c.warns || !c.warns && said.Len() > 0 {
			t.Errorf("asked for %d, said %s", c.asked, said.String())
		}
	}
	if all := allFor(8192); all <= connectionsFor(8192) || all >= 8192 {
		t.Errorf("allFor(8192) = %d", all)
	}
}
