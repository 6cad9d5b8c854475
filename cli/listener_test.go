package cli

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func testListener(t *testing.T, h http.Handler, conf *tls.Config) *listener {
	t.Helper()
	l, err := listen("--addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.start(newServer(h, conf, silent))
	t.Cleanup(func() { l.stop(context.Background()) })
	return l
}

func TestListenErrors(t *testing.T) {
	l := testListener(t, http.NotFoundHandler(), nil)
	for addr, want := range map[string]string{
		l.net.Addr().String(): "is in use by another program",
		"192.0.2.1:0":         "is not an address of this machine",
	} {
		if _, err := listen("--addr", addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("listen on %s: %v, want %s", addr, err, want)
		}
	}
}

func TestURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:80": "http://[::1]:80",
		"0.0.0.0:80": "http://localhost:80", "[::]:80": "http://localhost:80",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&listener{net: addressed{tcp}}).url(); got != want {
			t.Errorf("url of %s is %s, want %s", addr, got, want)
		}
	}
}

type addressed struct{ addr net.Addr }

func (a addressed) Accept() (net.Conn, error) { return nil, io.EOF }
func (a addressed) Close() error              { return nil }
func (a addressed) Addr() net.Addr            { return a.addr }
