// Package backup writes a node's store and configuration to a directory or a tar
// stream, checks such a backup, and makes a new node's store out of one.
//
// # What it guarantees
//
// A backup is the store at one position, which it names: every write that was
// acknowledged before it began is in it. It is made while the node serves; posts go
// on, and the backup takes at most a twentieth of the machine's processors for as
// long as they do (pace.go).
//
// A backup is whole or refused. The manifest comes last, when all else is on
// stable storage, so what a crash, a full disk or a broken pipe leaves has none. Verify
// notices every byte that has changed, every part that is missing, cut, or not of the
// backup, and names it; then it reads the pieces as a restore would, and holds
// the log in them to be without gaps, and with all its messages (I2). Restore does the same before it
// installs anything. Make reads so what it writes: a store whose log is damaged has no backup.
//
// A restored node is a new one: it has an origin of its own, with which it writes on, so
// no sequence number of the old node is used again (I2), whatever the old node wrote after the
// backup. A cluster takes it for a new member, and sends it what the backup lacks, also of the old
// node's events. Tokens that the old node has signed stay good, for its public key is in
// the log. Until a restore is finished, and after a crash in it, no node starts on the directory.
//
// # What it does not
//
// The checksums are against accidents: who can write to a backup can make new
// ones. Keep what Summary's SHA256 says elsewhere to notice that too.
//
// A backup is for the version of klatch that made it, or a later one whose store
// has the same format; for another, restore with the version that the manifest names and
// start the newer one on that. What was acknowledged after the backup began and
// that no other node has is lost with the disk. Nothing is compressed or encrypted:
// the tar stream can be piped through a program that does.
//
// # What is in it
//
//	store/00000001.pieces ...   the pieces of a Snapshot, each after its length (4 bytes, big-endian); some 8 MiB a file
//	config/settings.yaml        every setting that the node ran with, as a file for --config
//	config/file.yaml            the file that the node was given by --config, if it was
//	manifest.json               what the backup is, and each file's size and SHA-256 (manifest.go)
//
// The tar stream has the same files in this order (POSIX.1-1988 ustar), each with mode 0600, no
// owner and the time 0: so all bytes of it are known from the files, and Verify
// compares them. A directory that was unpacked from it is a backup too.
//
// Secrets: password hashes are in the pieces, for people could not sign in without. The
// cluster key and the secret for another backend's tokens are in config, as far as they are set:
// a restored node could not join its cluster or let that backend's users in. The node's own signing key is not
// there, so a stolen backup signs nobody in; neither are tokens, which are stored nowhere,
// and TLS keys, which settings name by their file alone. The manifest has no secret.
// Files have mode 0600 and directories 0700.
//
// # What lost
//
// A Pebble checkpoint: hard links cost less to make, but each file must be read
// for its checksum and copied to another disk all the same; the old node's origin and signing key
// would be in its tables, to be taken out without fail at every restore; and a bad
// disk would take the store and its links alike.
package backup
