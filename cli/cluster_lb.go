package cli

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/cluster"
)

//go:embed lb
var balancerFiles embed.FS

// balancers are the programs that a configuration can be printed for.
var balancers = []string{"haproxy", "nginx", "caddy"}

func lbCommand() *cli.Command {
	return &cli.Command{
		Name:      "lb",
		Usage:     "print a load balancer's configuration for the members of the cluster",
		UsageText: "klatch cluster lb [--data DIR] [--listen HOST:PORT] haproxy|nginx|caddy",
		Description: "The configuration is complete and works as printed. Print it again when members come or go.\n\n" +
			"Example:\n   klatch cluster lb --listen :80 haproxy > /etc/haproxy/haproxy.cfg",
		Flags: []cli.Flag{dataFlag(), &cli.StringFlag{Name: "listen", Usage: "where the balancer is to listen, `HOST:PORT`", Value: ":80"}},
		Action: func(c *cli.Context) error {
			program, err := theOnly(c, "one of "+strings.Join(balancers, ", "))
			if err != nil {
				return err
			}
			if !slices.Contains(balancers, program) {
				return usageErrorf(c, "there is no configuration for %q%s; there are %s", program, didYouMean(program, balancers), strings.Join(balancers, ", "))
			}
			var listen string
			if err := setAddr(&listen, c.String("listen")); err != nil {
				return usageErrorf(c, "--listen: %w", err)
			}
			b, err := newOperator(c.String("data"), answerPatience).balancing(listen)
			if err != nil {
				return err
			}
			for _, why := range b.doubts() {
				fmt.Fprintf(c.App.ErrWriter, "klatch: %s\n", why)
			}
			return b.write(c.App.Writer, program)
		},
	}
}

// balancing is what the templates are filled with.
type balancing struct {
	Host, Port string // where to listen; no host: everywhere
	Nodes      []backend
	Idle       int // seconds that a connection may be silent
}

// backend is a node as a balancer sees it.
type backend struct{ Name, Address string }

// minIdle is the least patience with silence, and idleSlack how far it is above the heartbeat's.
const (
	minIdle   = 75 * time.Second
	idleSlack = 30 * time.Second
)

var errOwnTLS = errors.New("the node serves HTTPS itself: start the nodes without --tls-cert and --tls-key, and have the balancer do that")

// balancing asks the node for all that a configuration needs.
func (o *operator) balancing(listen string) (b balancing, err error) {
	var facts nodeFacts
	if err := o.get("/node", &facts); err != nil {
		return b, err
	}
	if facts.TLS {
		return b, errOwnTLS
	}
	members, err := o.members()
	if err != nil {
		return b, err
	}
	return newBalancing(listen, members, time.Duration(facts.SilenceMS)*time.Millisecond)
}

func newBalancing(listen string, members []cluster.Member, silence time.Duration) (b balancing, err error) {
	if b.Host, b.Port, err = net.SplitHostPort(listen); err != nil {
		return b, err
	}
	b.Idle = int(max(minIdle, silence+idleSlack).Seconds())
	gone := []cluster.State{cluster.StateDead, cluster.StateLeaving, cluster.StateLeft}
	for _, m := range members {
		if m.Public != "" && !slices.Contains(gone, m.State) {
			b.Nodes = append(b.Nodes, backend{"node-" + m.Node, m.Public})
		}
	}
	if len(b.Nodes) == 0 {
		return b, errNoMembers
	}
	slices.SortFunc(b.Nodes, func(x, y backend) int { return cmp.Compare(x.Name, y.Name) })
	return b, nil
}

// Listen joins the address again.
func (b balancing) Listen() string { return net.JoinHostPort(b.Host, b.Port) }

// Retries is how often a request is tried again: once at each other node.
func (b balancing) Retries() int { return max(1, len(b.Nodes)-1) }

// Tries is how often it is tried in all.
func (b balancing) Tries() int { return b.Retries() + 1 }

// doubts are what may keep the configuration from working.
func (b balancing) doubts() (why []string) {
	var local []string
	for _, n := range b.Nodes {
		if loopback(n.Address) {
			local = append(local, n.Address)
		}
	}
	if len(local) > 0 {
		why = append(why, fmt.Sprintf("only this machine reaches %s: for a balancer elsewhere, start the nodes with an --addr that others reach", strings.Join(local, ", ")))
	}
	if len(b.Nodes) == 1 {
		why = append(why, "there is one node now: print this again when others have joined")
	}
	return why
}

func (b balancing) write(w io.Writer, program string) error {
	name := program + ".tmpl"
	t, err := template.New(name).ParseFS(balancerFiles, "lb/"+name)
	if err != nil {
		return err
	}
	return t.Execute(w, b)
}
