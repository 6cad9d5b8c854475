package nemesis

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build makes a klatch that a nemesis can disturb, in a directory.
func Build(dir string) (binary string, err error) {
	binary = filepath.Join(dir, "klatch")
	out, err := exec.Command("go", "build", "-tags", "nemesis", "-o", binary, "github.com/klatch-chat/klatch/cli/klatch").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build klatch: %w\n%s", err, out)
	}
	return binary, nil
}
