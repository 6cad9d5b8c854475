//go:build !unix

package cli

// raiseDescriptors returns a modest guess where there is no such limit to read.
func raiseDescriptors() (uint64, error) { return 16384, nil }
