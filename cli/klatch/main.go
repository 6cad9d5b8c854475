// Command klatch runs a chat node and everything around it.
package main

import (
	"os"

	"github.com/klatch-chat/klatch/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdout, os.Stderr))
}
