package cli

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/engine/realtime"
)

// reloader puts a changed configuration in force, as far as a running node can:
// all of it or, if anything of it is wrong, nothing. It belongs to the goroutine
// that waits for signals.
type reloader struct {
	log         *slog.Logger
	trust       *trust
	certificate *certificate // nil: none by file
	engine      *engine.Engine
	doors       api.Handler
	admission   *admission
	native      *realtime.Handler

	config Config // in force

	// What serve adds. Without read there is nothing to reload.
	read  func() (Config, texts, error)
	texts texts // of config
	logs  *logTuning
}

// texts are settings as they were written, by name.
type texts map[string]string

// reload reads the configuration again.
func (r *reloader) reload() {
	if r.read == nil {
		return
	}
	next, written, err := r.read()
	if written["registration"] == "" {
		next.Registration = defaultRegistration(r.config.Addr) // where we listen, not where we would
	}
	if err == nil {
		err = r.apply(r.config.retuned(next))
	}
	if err != nil {
		r.log.Error("cannot take the configuration over, keeping the old one", "err", err)
		return
	}
	r.tell(written)
	r.log.Info("read the configuration again")
}

// apply has a configuration take effect. What can fail comes first.
func (r *reloader) apply(c Config) error {
	commit := func() {}
	if r.certificate != nil {
		var err error
		if commit, err = r.certificate.prepare(c); err != nil {
			return fmt.Errorf("read the TLS certificate: %w", err)
		}
	}
	external, forget := r.trust.set(c)
	if err := r.engine.Tune(engine.Tuning{Registration: c.Registration, External: external, UserRate: c.UserRate, TrustedProxies: c.TrustedProxies}); err != nil {
		return err
	}
	commit()
	forget()
	r.doors.Tune(frontTuning(c))
	r.admission.setMostPerAddress(c.MaxAddressConnections)
	r.native.SetMaxUserConnections(orNoLimit(c.MaxUserConnections))
	r.logs.set(c)
	r.config = c
	return nil
}

// tell logs what has changed and what waits for a restart, which it does each time.
func (r *reloader) tell(written texts) {
	var waiting []string
	for i := range settings {
		s := &settings[i]
		before, after := r.texts[s.name], written[s.name]
		switch {
		case before == after:
		case !s.live || s.tls && r.config.byFile() != (after != ""):
			waiting = append(waiting, s.name)
		default:
			r.log.Info("a setting has changed", "setting", s.name, "was", s.shown(before), "is", s.shown(after))
			r.texts[s.name] = after
		}
	}
	if len(waiting) > 0 {
		r.log.Warn("some settings have changed and wait for a restart", "settings", strings.Join(waiting, ", "))
	}
}

// shown is a text as a log may have it.
func (s *setting) shown(text string) string {
	if s.shape == secretShape && text != "" {
		return "SECRET"
	}
	return text
}

// byFile reports whether the certificate is in a file.
func (c *Config) byFile() bool { return c.TLSCert != "" }

// retuned returns the configuration with all that a running node can change as next has it.
func (c Config) retuned(next Config) Config {
	c.Registration, c.UserRate = next.Registration, next.UserRate
	c.JWTSecret, c.JWKS, c.JWTIssuer, c.JWTAudience = next.JWTSecret, next.JWKS, next.JWTIssuer, next.JWTAudience
	c.MaxUserConnections, c.MaxAddressConnections = next.MaxUserConnections, next.MaxAddressConnections
	c.TrustedProxies, c.AccessLog = next.TrustedProxies, next.AccessLog
	c.LogFormat, c.LogLevel = next.LogFormat, next.LogLevel
	if c.byFile() && next.byFile() { // else a listener would have to begin or cease to speak TLS
		c.TLSCert, c.TLSKey = next.TLSCert, next.TLSKey
	}
	return c
}
