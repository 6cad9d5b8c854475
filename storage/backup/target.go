package backup

// Target is where a backup goes. It belongs to one goroutine.
type Target interface {
	// File writes a whole file. When the manifest's has returned, which is the
	// last, all is where it belongs: in a directory, on stable storage.
	// The content is the target's until it returns.
	File(name string, content []byte) error
	// Discard takes away what has been written, as far as that can be done.
	Discard()
}
