package realtime

import (
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine/client"
)

// TestI9Permissions makes every call of the permission table as every kind of
// caller in every kind of room: routes by their handlers, frames over klatch's own
// protocol and over Socket.IO. Each row has a house of its own: what people do costs
// more the more rooms they are in, and who loses a role by a call has lost it.
func TestI9Permissions(t *testing.T) {
	for _, p := range readPermissions(t) {
		t.Run(strings.ReplaceAll(p.String(), "/", "·"), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for _, who := range callers {
				h.checkCells(t, p, who)
			}
		})
	}
}

func (h *house) checkCells(t *testing.T, p permission, who string) {
	for i, want := range p.cells[who] {
		if want == nobodyThere {
			continue
		}
		t.Run(who+" "+roomKinds[i], func(t *testing.T) {
			if p.method != "" {
				h.scene(t, roomKinds[i], who).checkREST(p, want)
				return
			}
			for _, over := range p.protocols(roomKinds[i]) {
				t.Run(string(over), func(t *testing.T) { h.scene(t, roomKinds[i], who).checkFrame(p, over, want) })
			}
		})
	}
}

// protocols are those over which a row's outcomes are told: klatch's own, whose
// formats take turns, and Socket.IO.
func (p permission) protocols(kind string) []client.Format {
	native := client.JSON
	if kind == "private" {
		native = client.CBOR
	}
	switch p.variant {
	case "as an event of Socket.IO":
		return []client.Format{overWebSocket}
	case "once more":
		return []client.Format{client.JSON, client.CBOR}
	}
	return []client.Format{native, overWebSocket}
}
