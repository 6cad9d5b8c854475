// Command klatch runs a chat node and everything around it.
package main

import (
	"os"

	"github.com/klatch-chat/klatch/cli"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		slackenTimers()
	}
	os.Exit(cli.Main(os.Args, os.Stdout, os.Stderr))
}
