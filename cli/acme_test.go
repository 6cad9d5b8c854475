package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// acmeDomain is a name that only the test's resolver knows.
const acmeDomain = "chat.example.test"

// authority is a certificate authority that speaks ACME: Pebble, which Let's
// Encrypt makes for tests like this one. It believes our resolver, and asks its
// questions at a node's port instead of 443.
type authority struct {
	directory string
	trusted   string         // a file with the certificate of its own web server
	roots     *x509.CertPool // of what it issues
	stop      func()
}

func newAuthority(t *testing.T, nodePort int) *authority {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "pebble")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/letsencrypt/pebble/v2/cmd/pebble").CombinedOutput(); err != nil {
		t.Fatalf("build Pebble: %v\n%s", err, out)
	}
	address, management := freeAddress(t), freeAddress(t)
	a := &authority{directory: "https://" + address + "/dir", trusted: filepath.Join(dir, "cert.pem")}
	writeLoopbackPair(t, a.trusted, filepath.Join(dir, "key.pem"))
	config := filepath.Join(dir, "config.json")
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": address, "managementListenAddress": management,
		"certificate": a.trusted, "privateKey": filepath.Join(dir, "key.pem"),
		"httpPort": 1, "tlsPort": nodePort, "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err == nil {
		err = os.WriteFile(config, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var log said
	cmd := exec.Command(binary, "-config", config, "-dnsserver", newResolver(t), "-strict")
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a.stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(func() {
		a.stop()
		if t.Failed() {
			t.Logf("Pebble said:\n%s", &log)
		}
	})
	a.roots = a.fetchRoots(t, management)
	return a
}

// fetchRoots waits until the authority is there.
func (a *authority) fetchRoots(t *testing.T, management string) *x509.CertPool {
	t.Helper()
	own := x509.NewCertPool()
	text, err := os.ReadFile(a.trusted)
	if err != nil || !own.AppendCertsFromPEM(text) {
		t.Fatal("the certificate of Pebble's web server is of no use", err)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: own}}}
	roots := x509.NewCertPool()
	await(t, "Pebble", func() bool {
		resp, err := client.Get("https://" + management + "/roots/0")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && roots.AppendCertsFromPEM(text)
	})
	return roots
}

// newResolver is a DNS server that knows one name.
func newResolver(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		answer := new(dns.Msg).SetReply(r)
		if q := r.Question[0]; q.Qtype == dns.TypeA && q.Name == acmeDomain+"." {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer) // who asked may have gone
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.ActivateAndServe() }()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

// writeLoopbackPair writes a certificate for 127.0.0.1 that is its own root.
func writeLoopbackPair(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// acmeNode is a node with a name, and nothing that proves it.
func acmeNode(t *testing.T, a *authority, address string) *groupNode {
	return &groupNode{t: t, binary: buildKlatch(t), data: filepath.Join(t.TempDir(), "data"), addr: address, ops: "off",
		args:    []string{"--memory", "32MiB", "--acme-domain", acmeDomain, "--acme-directory", a.directory, "--acme-email", "ada@example.test"},
		environ: []string{"SSL_CERT_FILE=" + a.trusted}}
}

// TestACME (RFC 8555, RFC 8737): a node gets a certificate for its name from an
// authority that it proves it to, serves with it, and keeps it.
func TestACME(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Pebble")
	}
	address := freeAddress(t)
	_, portText, _ := net.SplitHostPort(address)
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthority(t, port)
	n := acmeNode(t, a, address)
	t.Cleanup(n.end)
	dial := func(name string) (*x509.Certificate, error) {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 30 * time.Second}, "tcp", address, &tls.Config{RootCAs: a.roots, ServerName: name})
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0], nil
	}
	begin := func() (serial string) {
		n.launch()
		await(t, "a handshake as "+acmeDomain, func() bool {
			select {
			case err := <-n.exited:
				t.Fatalf("the node ended: %v\n%s", err, &n.said)
			default:
			}
			c, err := dial(acmeDomain)
			if err == nil {
				serial = c.SerialNumber.String()
			}
			return err == nil
		})
		return serial
	}
	first := begin()
	if !strings.Contains(n.said.String(), "https://"+address+" web client") {
		t.Errorf("the greeting is of no https:\n%s", &n.said)
	}
	for _, name := range []string{"other.example.test", "127.0.0.1"} {
		if _, err := dial(name); err == nil || strings.Contains(err.Error(), "x509") {
			t.Errorf("%s is answered: %v", name, err)
		}
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: a.roots, ServerName: acmeDomain}}}
	resp, err := client.Get("https://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("answers %s, Strict-Transport-Security %q", resp.Status, resp.Header.Get("Strict-Transport-Security"))
	}
	onlyOwner(t, filepath.Join(n.data, "acme"))

	n.stop()
	a.stop()
	if again := begin(); again != first {
		t.Errorf("certificate %s after a restart without the authority, %s before it", again, first)
	}
	n.stop()
}

// onlyOwner checks a directory of keys.
func onlyOwner(t *testing.T, dir string) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%s: %v, %v", dir, info, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 { // an account's key and a certificate
		t.Fatalf("%s holds %v, %v", dir, files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info, err)
		}
	}
}
