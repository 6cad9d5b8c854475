package cli

import (
	"crypto/tls"
	"log/slog"
)

// certificates are what a node proves its name with: from a file, or got by
// ACME. A node that speaks no TLS has none.
type certificates struct {
	config *tls.Config  // nil: none
	file   *certificate // nil: none by file
	acme   *acmeCertificates
}

func openTLS(c Config, log *slog.Logger) (t certificates, err error) {
	switch {
	case len(c.ACMEDomains) > 0:
		t.acme = openACME(c, log)
		t.config = t.acme.tlsConfig()
	case c.TLSCert != "":
		if t.file, err = openCertificate(c, log); err == nil {
			t.config = t.file.tlsConfig()
		}
	}
	return t, err
}

// start is for when handshakes are answered.
func (t *certificates) start() {
	if t.acme != nil {
		t.acme.start()
	}
}

func (t *certificates) close() error {
	if t.acme == nil {
		return nil
	}
	return t.acme.close()
}
