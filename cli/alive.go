package cli

import "context"

// alive reports whether the node does its work, for who would start it again:
// whether its single writer and its hub come round. A node whose disk is full,
// or whose peers are gone, is alive: a new start would mend neither.
func (n *node) alive(ctx context.Context) error { return n.reload.engine.Alive(ctx) }
