package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
)

// clustered reports whether the node is one of a cluster.
func (c *Config) clustered() bool { return c.ClusterAddr != "" }

// finishCluster derives where the node gossips, and refuses what cannot work.
func (c *Config) finishCluster() error {
	if !c.clustered() && len(c.Join) > 0 {
		c.ClusterAddr = "127.0.0.1:0"
		if slices.ContainsFunc(c.Join, remote) {
			c.ClusterAddr = ":" + strconv.Itoa(cluster.DefaultPort)
		}
	}
	if !c.clustered() {
		return c.finishAlone()
	}
	inside := cluster.Loopback(c.ClusterAddr) && (c.ClusterAdvertise == "" || cluster.Loopback(c.ClusterAdvertise))
	switch far := slices.IndexFunc(c.Join, otherMachine); {
	case !inside && c.ClusterKey.IsZero():
		return cluster.ErrNoKey
	case c.ClusterAddr == c.Addr && !ephemeral(c.Addr), c.ClusterAddr == c.OpsAddr && !ephemeral(c.OpsAddr):
		return fmt.Errorf("--cluster-addr is %s like another address: gossip and links need a port of their own", c.ClusterAddr)
	case inside && far >= 0:
		return fmt.Errorf("--join %s is another machine, and cannot reach --cluster-addr %s: name an address that it can", c.Join[far], c.ClusterAddr)
	}
	return nil
}

// finishAlone refuses what would be believed to be in force.
func (c *Config) finishAlone() error {
	switch {
	case c.ClusterAdvertise != "":
		return errors.New("--cluster-advertise belongs to --cluster-addr: name that too")
	case c.WriteConcern == engine.DurableMajority:
		return errors.New("--write-concern majority needs a cluster: name --cluster-addr or --join")
	}
	return nil
}

func remote(addr string) bool { return !cluster.Loopback(addr) }

// otherMachine reports whether an address is surely not of this machine's loopback; a name may be.
func otherMachine(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !ip.IsLoopback()
}
