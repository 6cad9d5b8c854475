// Package nemesis sees whether a cluster of real klatch processes keeps its
// promises (I1 to I5, I7, I8) while it is killed, stopped, cut, slowed, lied to
// about the time and robbed of its disks.
//
// # What it is
//
// A run starts nodes on a network of its own making, has users post, edit,
// delete, react, join, leave, mark and read on nodes chosen at random, and does
// one round of faults after the other to the nodes. Then it heals everything, waits
// for the nodes to agree, asks each for all that it shows, and hands what the
// clients were told and what the nodes say to a checker.
//
//	schedule (seed) -> strikes -> nodes, network
//	users -> nodes           what was asked and answered  \
//	sessions <- nodes        what was told                 -> History  \
//	warden -> nodes          marks that show convergence  /             -> Check -> Verdict -> Report
//	finale <- nodes          everything that each shows      Answers   /
//
// Only the wire is seen: nothing of the server is imported.
//
// # Networks
//
// The better one (netns_linux.go) has a network namespace for each node with a
// TUN device in it, and this process is the wire between them: real packets, real TCP.
// Where namespaces cannot be had a proxy on loopback does the same to streams and
// datagrams (proxy.go). Clients come another way, which no rule touches, and
// choose a node at random for each connection and request: a load balancer that
// knows nothing.
//
// # What a fault may do
//
// Rounds follow each other: the next begins when all nodes show what was written on all
// others. So with write concern one a single node fails at a time, with majority a
// minority. The seed fixes the faults, not their timing: what users do meanwhile
// depends on the machine. The clock and the disk of a node are disturbed by a build
// tag (cli/klatch/nemesis.go) and a file.
//
// # What the checker knows
//
// A write is one of done, refused and unknown. Unknown may come to pass at any
// time, even after what came later, so that only acknowledged values, in the order
// in which their writer made each node know of the one before, must stand.
// A position covers the write that returned it, and those before it
// that were written with the position of their predecessor shown: a chain, of which Op.Base
// is the beginning. What no node could know is counted apart and is no crime.
//
// The checker has its own tests, with a small history spoiled in every way
// (check_test.go), and has been tried on nodes with mistakes put in.
//
// # What it does not see
//
// Power loss: a killed process leaves its page cache (storage's crash tests have
// that). Rooms that users come to and leave while others post: a post and
// a join on two nodes have no order. Socket.IO and long-polling. Disks that lie.
package nemesis
