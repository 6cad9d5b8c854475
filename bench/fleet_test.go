package bench

import "testing"

// A room whose users are all on one node would not measure a cluster.
func TestRoomsAreOnAllNodes(t *testing.T) {
	for _, rooms := range []int{1, 2, 3, 50, 500} {
		for nodes := 1; nodes <= 3; nodes++ {
			on := map[[2]int]int{}
			for user := range 6 * rooms {
				on[[2]int{user % rooms, nodeOf(user, rooms, nodes)}]++
			}
			for at, users := range on {
				if users != 6/nodes {
					t.Fatalf("%d rooms on %d nodes: room %d has %d users on node %d", rooms, nodes, at[0], users, at[1])
				}
			}
		}
	}
}
