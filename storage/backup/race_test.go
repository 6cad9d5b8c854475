//go:build race

package backup

// slow spaces the points of the fault tests out where the race detector makes each cost ten times as much.
const slow = 9
