//go:build !race

package backup

const slow = 1
