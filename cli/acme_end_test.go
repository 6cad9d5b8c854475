package cli

import (
	"net"
	"testing"
	"time"
)

// TestACMEEnds: a node does not wait for an authority that says nothing.
func TestACMEEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := openACME(Config{Data: t.TempDir(), ACMEDomains: []string{"one.example.test", "two.example.test"}, ACMEDirectory: "https://" + l.Addr().String()}, silent)
	a.start()
	conn, err := l.Accept() // it asks
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begun := time.Now()
	if err := a.close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took >= acmeEndPatience {
		t.Errorf("waited for %v", took)
	}
}
