package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a self-signed certificate with a serial number.
func writePair(t *testing.T, c Config, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		c.TLSCert: {Type: "CERTIFICATE", Bytes: cert}, c.TLSKey: {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := time.Unix(1_700_000_000+serial, 0) // apart, whatever the file system's resolution
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCertificateRenewal: new files count for new connections; broken ones do not.
func TestCertificateRenewal(t *testing.T) {
	dir := t.TempDir()
	config := Config{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	if _, err := openCertificate(config, silent); err == nil {
		t.Fatal("opened without files")
	}
	writePair(t, config, 1)
	cert, err := openCertificate(config, silent)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cert.now = func() time.Time { return now }
	l := testListener(t, http.NotFoundHandler(), cert.tlsConfig())
	if !strings.HasPrefix(l.url(), "https://") {
		t.Errorf("url is %s", l.url())
	}
	serial := func() int64 {
		conn, err := tls.Dial("tcp", l.net.Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what it is, we just made
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	expect := func(when string, want int64) {
		t.Helper()
		if got := serial(); got != want {
			t.Errorf("%s: certificate %d, want %d", when, got, want)
		}
	}
	expect("at first", 1)
	writePair(t, config, 2)
	expect("too soon to look", 1)
	now = now.Add(checkEvery)
	expect("renewed", 2)
	if err := os.WriteFile(config.TLSCert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(checkEvery)
	expect("half written", 2)
	writePair(t, config, 3)
	now = now.Add(checkEvery)
	expect("written", 3)
}
