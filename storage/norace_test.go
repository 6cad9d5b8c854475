//go:build !race

package storage

const slow = 1
