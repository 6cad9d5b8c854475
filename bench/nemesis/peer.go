package nemesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"
)

// peer is a member of the cluster as a node sees it: `klatch cluster members --json`.
type peer struct {
	Node   string `json:"node"`
	State  string `json:"state"`
	Behind uint64 `json:"behind"`
	Ahead  uint64 `json:"ahead"`
}

// commandLimit bounds what an operator waits for a node that may be stopped.
const commandLimit = 5 * time.Second

func (n *node) peers(ctx context.Context) ([]peer, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	out, err := n.command(ctx, "cluster", "members", "--json")
	if err != nil {
		return nil, err
	}
	var list struct{ Items []peer }
	return list.Items, json.Unmarshal(out, &list)
}

// self is the node's id, which is its disk's.
func (n *node) self(ctx context.Context) (string, error) {
	peers, err := n.peers(ctx)
	for _, p := range peers {
		if p.State == "self" {
			return p.Node, nil
		}
	}
	return "", errors.Join(fmt.Errorf("node %d does not tell its id", n.index), err)
}

// forget does what an operator does when a node's disk is lost: the id that went
// with it is not to be waited for. Any node but the victim will do.
func (f *fleet) forget(ctx context.Context, victim *node, id string) error {
	ctx, cancel := context.WithTimeout(ctx, convergePatience)
	defer cancel()
	err := poll(ctx, 500*time.Millisecond, func() error {
		n := f.nodes[(victim.index+1+mathrand.IntN(len(f.nodes)-1))%len(f.nodes)]
		ctx, cancel := context.WithTimeout(ctx, commandLimit)
		defer cancel()
		_, err := n.command(ctx, "cluster", "leave", "--node", id)
		return err
	})
	if err != nil {
		return fmt.Errorf("no node forgets %s: %w", id, err)
	}
	return nil
}

// complete returns when every node sees as many members as there are, all alive, and
// no events missing anywhere.
func (f *fleet) complete(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, convergePatience)
	defer cancel()
	return f.each(func(n *node) error {
		return poll(ctx, 500*time.Millisecond, func() error {
			peers, err := n.peers(ctx)
			if err != nil {
				return err
			}
			for _, p := range peers {
				if p.State != "self" && p.State != "alive" || p.Behind+p.Ahead > 0 || len(peers) != len(f.nodes) {
					return fmt.Errorf("node %d sees the members %+v", n.index, peers)
				}
			}
			return nil
		})
	})
}
