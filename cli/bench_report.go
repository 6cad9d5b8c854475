package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klatch-chat/klatch/bench"
)

// reportFile is the file of --report. It is opened before the run, so that a
// wrong path is not found out after it, and takes its name when it is whole.
type reportFile struct {
	name string
	f    *os.File // nil: none was asked for, or it has its name
}

func openReport(name string) (*reportFile, error) {
	if name == "" {
		return &reportFile{}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".klatch-report-*")
	if err != nil {
		return nil, fmt.Errorf("--report: %w", err)
	}
	return &reportFile{name, f}, nil
}

func (r *reportFile) write(report bench.Report) error {
	if r.f == nil {
		return nil
	}
	err := errors.Join(report.Write(r.f), r.f.Chmod(0o644), r.f.Close())
	if err == nil {
		err = os.Rename(r.f.Name(), r.name)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	r.f = nil
	return nil
}

// discard removes what has not got its name.
func (r *reportFile) discard() {
	if r.f != nil {
		_ = r.f.Close()
		_ = os.Remove(r.f.Name())
	}
}
