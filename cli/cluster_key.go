package cli

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/cluster"
)

func keyCommand() *cli.Command {
	return &cli.Command{
		Name:        "key",
		Usage:       "print a new random cluster key",
		UsageText:   "klatch cluster key",
		Description: "Give the same one to every node, as KLATCH_CLUSTER_KEY or in the file of --config.\n\nExample:\n   (umask 077; klatch cluster key > klatch.key)",
		Action: func(c *cli.Context) error {
			if c.Args().Present() { // which may be a key
				return usageErrorf(c, "key takes no arguments")
			}
			var key [cluster.KeySize]byte
			rand.Read(key[:])
			_, err := fmt.Fprintln(c.App.Writer, base64.StdEncoding.EncodeToString(key[:]))
			return err
		},
	}
}
