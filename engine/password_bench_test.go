package engine

import (
	"crypto/rand"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// TestDummyCosts: a password that is checked against nobody's costs what anybody's does.
func TestDummyCosts(t *testing.T) {
	p, err := newPasswords(PasswordCost{MemoryKiB: 80, Passes: 3, Lanes: 2}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	real, err := p.hash("password")
	if err != nil {
		t.Fatal(err)
	}
	a, saltA, keyA, errA := parsePHC(p.dummy)
	b, saltB, keyB, errB := parsePHC(real)
	if errA != nil || errB != nil || a != b || a != p.cost || len(saltA) != len(saltB) || len(keyA) != len(keyB) {
		t.Errorf("%v, %v of %s and %s", errA, errB, p.dummy, real)
	}
	if p.check("", p.dummy) != true || p.check("", "") || !p.check("password", real) {
		t.Error("the wrong ones are let in")
	}
}

// processTime is what the process has had of all processors: unlike a clock it does
// not count a neighbour's work.
func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPassword is what a sign-in costs, for docs/security.md: the parameters
// of RFC 9106, 4 (its second choice) and those that OWASP holds to be alike.
func BenchmarkPassword(b *testing.B) {
	for _, cost := range []PasswordCost{
		{MemoryKiB: 64 << 10, Passes: 3, Lanes: 4},
		{MemoryKiB: 46 << 10, Passes: 1, Lanes: 1},
		DefaultPasswordCost,
		{MemoryKiB: 12 << 10, Passes: 3, Lanes: 1},
		{MemoryKiB: 7 << 10, Passes: 5, Lanes: 1},
	} {
		b.Run(fmt.Sprintf("m=%dMiB,t=%d,p=%d", cost.MemoryKiB>>10, cost.Passes, cost.Lanes), func(b *testing.B) {
			p, err := newPasswords(cost, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			begun := processTime(b)
			for b.Loop() {
				p.check("correct horse battery staple", p.dummy)
			}
			b.ReportMetric((processTime(b)-begun).Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
}
