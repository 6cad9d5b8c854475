package cli

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a certificate and key in files, read again when they change,
// so that a renewal needs no restart and drops no connection.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	written time.Time // the newer of the files, as loaded
	checked time.Time
}

// checkEvery bounds how often handshakes look at the files.
const checkEvery = 10 * time.Second

func openCertificate(c Config, log *slog.Logger) (*certificate, error) {
	cert := &certificate{certFile: c.TLSCert, keyFile: c.TLSKey, now: time.Now, log: log}
	written, err := cert.lastWritten()
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	if err := cert.loadLocked(written); err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	return cert, nil
}

func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// get is called by every handshake. Files that cannot be read, half written
// perhaps, leave the last good certificate in place. The lock is held across
// the rare reload: handshakes wait for it either way.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= checkEvery {
		c.checked = now
		c.refreshLocked()
	}
	return c.loaded, nil
}

func (c *certificate) refreshLocked() {
	written, err := c.lastWritten()
	if err == nil && !written.Equal(c.written) {
		err = c.loadLocked(written)
	}
	if err != nil {
		c.log.Error("cannot read the TLS certificate again, keeping the old one", "err", err)
	}
}

func (c *certificate) loadLocked(written time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded, c.written = &pair, written
	return nil
}

func (c *certificate) lastWritten() (last time.Time, err error) {
	for _, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return last, err
		}
		if t := info.ModTime(); t.After(last) {
			last = t
		}
	}
	return last, nil
}
