package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// versions asks every tool that these contenders rest on what it is. One that
// is not there is left out: starting the server will say what to install.
func versions(ctx context.Context, list []contender, f files) map[string]string {
	all := map[string]string{"go": strings.TrimPrefix(runtime.Version(), "go")}
	for _, c := range list {
		for _, tool := range c.tools {
			if v := versionOf(ctx, tool, f); v != "" {
				all[tool] = v
			}
		}
	}
	return all
}

func versionOf(ctx context.Context, tool string, f files) string {
	switch tool {
	case "klatch":
		return strings.TrimPrefix(firstLine(ctx, f.klatch, "version"), "klatch ")
	case "node", "redis-server", "postgres", "wrk":
		path, err := find(tool)
		if err != nil {
			return ""
		}
		return dotted.FindString(firstLine(ctx, path, "--version"))
	case "socket.io":
		return packageVersion(filepath.Join(f.socketIO, "node_modules", tool))
	case "express", "compression":
		return packageVersion(filepath.Join(f.express, "node_modules", tool))
	case "nats":
		return natsVersion
	}
	return ""
}

var dotted = regexp.MustCompile(`\d+(\.\d+)+`)

func firstLine(ctx context.Context, program string, args ...string) string {
	out, _ := exec.CommandContext(ctx, program, args...).Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func packageVersion(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return ""
	}
	var p struct{ Version string }
	_ = json.Unmarshal(b, &p) // an npm package has one
	return p.Version
}

// machine says on what all this ran.
func machine() string {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "model name\t: "); ok {
			cpu, _, _ = strings.Cut(rest, "\n")
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d × %s, %s %s", runtime.NumCPU(), cpu, runtime.GOOS, strings.TrimSpace(string(kernel)))
}
