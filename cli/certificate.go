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
	now func() time.Time
	log *slog.Logger

	mu      sync.Mutex
	files   pairFiles
	loaded  *tls.Certificate
	written time.Time // the newer of the files, as loaded
	checked time.Time
}

// pairFiles are the names of a certificate's files.
type pairFiles struct{ cert, key string }

// checkEvery bounds how often handshakes look at the files.
const checkEvery = 10 * time.Second

func openCertificate(c Config, log *slog.Logger) (*certificate, error) {
	cert := &certificate{now: time.Now, log: log}
	commit, err := cert.prepare(c)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	commit()
	return cert, nil
}

// prepare reads the files that a configuration names; commit has them count.
func (c *certificate) prepare(config Config) (commit func(), err error) {
	files := pairFiles{config.TLSCert, config.TLSKey}
	written, err := files.lastWritten()
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(files.cert, files.key)
	if err != nil {
		return nil, err
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.files, c.loaded, c.written = files, &pair, written
	}, nil
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
	written, err := c.files.lastWritten()
	if err == nil && !written.Equal(c.written) {
		err = c.loadLocked(written)
	}
	if err != nil {
		c.log.Error("cannot read the TLS certificate again, keeping the old one", "err", err)
	}
}

func (c *certificate) loadLocked(written time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.files.cert, c.files.key)
	if err != nil {
		return err
	}
	c.loaded, c.written = &pair, written
	return nil
}

func (f pairFiles) lastWritten() (last time.Time, err error) {
	for _, name := range []string{f.cert, f.key} {
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
