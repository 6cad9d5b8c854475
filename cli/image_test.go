package cli

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestImage: what the Dockerfile builds runs where there is nothing else, and as
// nobody of importance. Docker itself is not asked.
func TestImage(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("builds the program for a container")
	}
	text, err := os.ReadFile(filepath.Join("..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, final, ok := strings.Cut(string(text), "\nFROM scratch\n")
	if !ok || strings.Contains(final, "\nFROM ") || strings.Contains(final, "\nRUN ") {
		t.Errorf("the image is not from scratch alone:\n%s", final)
	}
	if user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(final); user == nil || user[1] == "0" || user[2] == "0" {
		t.Errorf("the image's user is %v", user)
	}
	line := regexp.MustCompile(`(?m)^RUN (.*go build .*)$`).FindStringSubmatch(string(text))
	if line == nil {
		t.Fatal("the Dockerfile builds nothing")
	}
	binary := filepath.Join(t.TempDir(), "klatch")
	build := exec.Command("/bin/sh", "-c", strings.Replace(line[1], " -o /klatch ", " -o "+binary+" ", 1))
	build.Dir, build.Env = "..", append(os.Environ(), "VERSION=v7.8.9")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line[1], err, out)
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %v, %v", libraries, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it is not static: %v", p.Type)
		}
	}
	out, err := exec.Command(binary, "version").Output()
	if err != nil || !strings.Contains(string(out), "v7.8.9") {
		t.Errorf("it calls itself %s, %v", out, err)
	}
}
