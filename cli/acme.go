package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/idna"
)

// acmeCertificates are got from a certificate authority by ACME (RFC 8555), which
// believes that a name is ours when it finds its question answered at port 443
// of that name, in the TLS handshake itself (TLS-ALPN-01, RFC 8737): so no
// second port is needed. They are renewed when a third of their time is left, and
// kept with the account's key in the data directory, for its owner's eyes alone.
//
// The names are fixed, so that nobody can have the node ask for others by naming
// them in a handshake.
type acmeCertificates struct {
	manager *autocert.Manager
	domains []string
	log     *slog.Logger
	cancel  context.CancelFunc // of all talk with the authority
	workers sync.WaitGroup
}

// acmeDir is where the certificates are, in the data directory.
const acmeDir = "acme"

// Bounds of the talk with the authority.
const (
	acmeRequestPatience = 30 * time.Second
	acmeEndPatience     = 2 * time.Second
	maxACMEDomains      = 20
)

// openACME asks for nothing before start: the data directory may not be there yet.
func openACME(c Config, log *slog.Logger) *acmeCertificates {
	ctx, cancel := context.WithCancel(context.Background())
	client := &http.Client{Transport: &acmeTransport{ctx, newACMETransport()}, Timeout: acmeRequestPatience}
	return &acmeCertificates{
		domains: c.ACMEDomains, log: log, cancel: cancel,
		manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS, Email: c.ACMEEmail,
			Cache:      autocert.DirCache(filepath.Join(c.Data, acmeDir)),
			HostPolicy: autocert.HostWhitelist(c.ACMEDomains...),
			Client:     &acme.Client{DirectoryURL: c.ACMEDirectory, HTTPClient: client, UserAgent: "klatch"},
		},
	}
}

func newACMETransport() *http.Transport {
	return &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: acmeRequestPatience}).DialContext, TLSHandshakeTimeout: acmeRequestPatience,
		ForceAttemptHTTP2: true, DisableKeepAlives: true, // the next talk is months away
	}
}

// acmeTransport ends with the node: the library offers no other way.
type acmeTransport struct {
	node context.Context
	http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *acmeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.node.Err() != nil {
		return nil, errors.New("the node is ending")
	}
	ctx, cancel := context.WithCancel(r.Context())
	detach := context.AfterFunc(t.node, cancel)
	context.AfterFunc(r.Context(), func() { detach() }) // the client's timeout ends that in any case
	return t.RoundTripper.RoundTrip(r.WithContext(ctx))
}

func (a *acmeCertificates) tlsConfig() *tls.Config {
	conf := a.manager.TLSConfig()
	conf.MinVersion = tls.VersionTLS12
	return conf
}

// start gets the certificates that are missing, once the node answers
// handshakes: the first visitors would wait in vain for them.
func (a *acmeCertificates) start() {
	for _, domain := range a.domains {
		a.workers.Go(func() { a.get(domain) })
	}
}

func (a *acmeCertificates) get(domain string) {
	certificate, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName: domain, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, // one that wants ECDSA
	})
	if err != nil {
		a.log.Error("cannot get a certificate; the next visitor has it tried again", "domain", domain, "err", err)
		return
	}
	a.log.Info("has a certificate", "domain", domain, "until", certificate.Leaf.NotAfter)
}

// close cuts the talk with the authority short. The library may sleep between two
// questions: it is not waited for long, and asks no more.
func (a *acmeCertificates) close() error {
	a.cancel()
	done := make(chan struct{})
	go func() { a.workers.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(acmeEndPatience):
	}
	return nil
}

func setACMEDomains(c *Config, text string) error {
	c.ACMEDomains = nil
	if text == "none" { // an empty list of the file
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		domain, err := acmeName(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		c.ACMEDomains = append(c.ACMEDomains, domain)
	}
	if len(c.ACMEDomains) > maxACMEDomains {
		return fmt.Errorf("%d names are more than %d", len(c.ACMEDomains), maxACMEDomains)
	}
	return nil
}

// acmeName is a name as handshakes have it.
func acmeName(word string) (string, error) {
	name, err := idna.Lookup.ToASCII(word)
	if err != nil || !strings.Contains(strings.Trim(name, "."), ".") || net.ParseIP(name) != nil || strings.HasSuffix(name, ".") {
		return "", fmt.Errorf("%q is not the name of a host: write chat.example.com; addresses and *.example.com get no certificate this way", word)
	}
	return name, nil
}

func setACMEDirectory(c *Config, text string) error {
	if u, err := url.Parse(text); text != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("%q is not an https URL", text)
	}
	c.ACMEDirectory = text
	return nil
}

func setACMEEmail(c *Config, text string) error {
	if a, err := mail.ParseAddress(text); text != "" && (err != nil || a.Address != text) {
		return fmt.Errorf("%q is not an email address", text)
	}
	c.ACMEEmail = text
	return nil
}
