package bench

import (
	"strings"
	"testing"
)

func TestParseMetrics(t *testing.T) {
	r, err := parseMetrics(strings.NewReader(`# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.25
go_goroutines 61
klatch_build_info{version="v1",go="go1.26.8"} 1
process_resident_memory_bytes 7.340032e+07
process_resident_memory_bytes_max 9e+09
odd
`))
	if want := (reading{cpu: 12.25, resident: 70, goroutines: 61}); err != nil || r != want {
		t.Errorf("%+v, %v, want %+v", r, err, want)
	}
	if r, err := parseMetrics(strings.NewReader("")); err != nil || r != (reading{}) {
		t.Errorf("of nothing: %+v, %v", r, err)
	}
}
