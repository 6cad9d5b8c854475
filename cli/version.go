package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// linkedVersion is set by the linker in `make build`; a `go install` has the
// module's version in its build information instead.
var linkedVersion string

// version says which klatch this is.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, when known
	Modified bool   `json:"modified,omitempty"` // the source had changes that were not committed
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func currentVersion() version {
	info, _ := debug.ReadBuildInfo()
	return versionFrom(linkedVersion, info)
}

func versionFrom(linked string, info *debug.BuildInfo) version {
	v := version{Version: linked, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info == nil {
		info = &debug.BuildInfo{}
	}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v version) String() string {
	return fmt.Sprintf("klatch %s (%s, %s/%s)", v.Version, v.Go, v.OS, v.Arch)
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print which klatch this is",
		UsageText:   "klatch version [--json]",
		Description: "Example:\n   klatch version --json",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print JSON"}},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(c.App.Writer).Encode(currentVersion())
			}
			_, err := fmt.Fprintln(c.App.Writer, currentVersion())
			return err
		},
	}
}
