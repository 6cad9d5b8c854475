package cluster

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"syscall"
	"time"
)

// Every TCP connection between nodes begins like this, version 1:
//
//	dialler                                  listener
//	TLS 1.3, ALPN link, gossip or tunnel <->
//	version (1 byte), proof (32)       ->
//	                                  <-     proof (32), or 32 zero bytes: not accepted
//
//	proof = HMAC-SHA256(key, role || ALPN || exporter)
//
// key is derived from the cluster key; role says who proves, so that nobody's
// proof can be given back to him; exporter is the channel binding of the TLS
// session (RFC 9266, tls-exporter), which differs in every session, so that a proof is
// worth nothing on another one: not to who recorded it, not to who ends TLS in the middle.
//
// The listener speaks second and answers a wrong proof with nothing that
// depends on the key. All of it takes at most handshakeTime.
const (
	handshakeVersion = 1
	handshakeTime    = 5 * time.Second

	linkALPN   = "klatch-link/1"
	gossipALPN = "klatch-gossip/1"
	tunnelALPN = "klatch-tunnel/1"

	diallerRole  = "klatch client v1"
	listenerRole = "klatch server v1"

	bindingLabel = "EXPORTER-Channel-Binding" // RFC 9266, with no context
	bindingSize  = 32
)

var protocols = []string{linkALPN, gossipALPN, tunnelALPN}

// Why a handshake fails, beside the errors of the network.
var (
	ErrWrongKey  = errors.New("the cluster keys differ")
	ErrNotKlatch = errors.New("does not speak klatch's cluster protocol")

	errSilent   = errors.New("did not finish the handshake in time")
	errBrokeOff = errors.New("broke off the handshake")
)

// handshaker proves the cluster key, and has it proved, on new connections. It is immutable.
type handshaker struct {
	key         []byte
	certificate tls.Certificate
}

func newHandshaker(key []byte) (*handshaker, error) {
	certificate, err := throwAwayCertificate()
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &handshaker{key: key, certificate: certificate}, nil
}

// throwAwayCertificate makes one that names nobody and that nobody verifies:
// TLS 1.3 cannot do without.
func throwAwayCertificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

func (h *handshaker) config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             protocols,
		Certificates:           []tls.Certificate{h.certificate},
		SessionTicketsDisabled: true,
		// Certificates say nothing here. What says who the other side is, is
		// its proof, and that is bound to this very TLS session.
		InsecureSkipVerify: true,
	}
}

// dial is the dialler's side. After an error the caller closes conn.
func (h *handshaker) dial(ctx context.Context, conn net.Conn, protocol string) (*tls.Conn, error) {
	finish := limitHandshake(ctx, conn)
	session := tls.Client(conn, h.config(protocol))
	err := h.proveFirst(session, protocol)
	if err = finish(err); err != nil {
		return nil, fmt.Errorf("%s: %w", conn.RemoteAddr(), err)
	}
	return session, nil
}

func (h *handshaker) proveFirst(session *tls.Conn, protocol string) error {
	if err := session.Handshake(); err != nil {
		return handshakeError(err)
	}
	if session.ConnectionState().NegotiatedProtocol != protocol {
		return ErrNotKlatch
	}
	mine, want, err := h.proofs(session, protocol)
	if err != nil {
		return err
	}
	if _, err := session.Write(append([]byte{handshakeVersion}, mine...)); err != nil {
		return handshakeError(err)
	}
	var got [sha256.Size]byte
	if _, err := io.ReadFull(session, got[:]); err != nil {
		return handshakeError(err)
	}
	if got == [sha256.Size]byte{} {
		return fmt.Errorf("the other side did not accept our cluster key: %w", ErrWrongKey)
	}
	if !hmac.Equal(got[:], want) {
		return fmt.Errorf("the other side did not prove our cluster key: %w", ErrWrongKey)
	}
	return nil
}

// accept is the listener's side, and returns what the dialler wants. After an
// error the caller closes conn.
func (h *handshaker) accept(ctx context.Context, conn net.Conn) (*tls.Conn, string, error) {
	finish := limitHandshake(ctx, conn)
	session := tls.Server(conn, h.config(protocols...))
	protocol, err := h.proveSecond(session)
	if err = finish(err); err != nil {
		return nil, "", fmt.Errorf("%s: %w", conn.RemoteAddr(), err)
	}
	return session, protocol, nil
}

func (h *handshaker) proveSecond(session *tls.Conn) (string, error) {
	if err := session.Handshake(); err != nil {
		return "", handshakeError(err)
	}
	// Who offers no ALPN at all gets through TLS with none.
	protocol := session.ConnectionState().NegotiatedProtocol
	if !slices.Contains(protocols, protocol) {
		return "", ErrNotKlatch
	}
	want, mine, err := h.proofs(session, protocol)
	if err != nil {
		return "", err
	}
	var got [1 + sha256.Size]byte
	if _, err := io.ReadFull(session, got[:]); err != nil {
		return "", handshakeError(err)
	}
	if got[0] != handshakeVersion {
		return "", fmt.Errorf("version %d: %w", got[0], ErrNotKlatch)
	}
	if !hmac.Equal(got[1:], want) {
		// That the other side learns of it is for its operator; a failure changes nothing.
		_, _ = session.Write(make([]byte, sha256.Size))
		return "", ErrWrongKey
	}
	if _, err := session.Write(mine); err != nil {
		return "", handshakeError(err)
	}
	return protocol, nil
}

// proofs returns what each side must show in this session.
func (h *handshaker) proofs(session *tls.Conn, protocol string) (dialler, listener []byte, err error) {
	state := session.ConnectionState()
	binding, err := state.ExportKeyingMaterial(bindingLabel, nil, bindingSize)
	if err != nil {
		return nil, nil, fmt.Errorf("export the channel binding: %w", err)
	}
	prove := func(role string) []byte {
		mac := hmac.New(sha256.New, h.key)
		mac.Write([]byte(role))
		mac.Write([]byte(protocol))
		mac.Write(binding)
		return mac.Sum(nil)
	}
	return prove(diallerRole), prove(listenerRole), nil
}

// limitHandshake ends the I/O of a handshake at its time or with ctx. finish
// takes the handshake's error, lifts the limit, and returns the error to report.
func limitHandshake(ctx context.Context, conn net.Conn) (finish func(error) error) {
	deadline := time.Now().Add(handshakeTime)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	// A connection that refuses a deadline is closed already: reading says so.
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return func(err error) error {
		if !stop() {
			return fmt.Errorf("the handshake was given up: %w", context.Cause(ctx))
		}
		if err != nil {
			return err
		}
		return conn.SetDeadline(time.Time{})
	}
}

// handshakeError tells who went away or said nothing from who speaks something else.
func handshakeError(err error) error {
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return errSilent
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errBrokeOff
	}
	return fmt.Errorf("%w (%v)", ErrNotKlatch, err)
}
