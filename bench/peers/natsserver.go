package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

const natsVersion = server.VERSION

// serveNATS is a NATS server as it is by default, but for its WebSocket
// listener: that one wants TLS unless told otherwise.
func serveNATS(out io.Writer) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		Websocket: server.WebsocketOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true},
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(startPatience) {
		return errors.New("NATS is not ready")
	}
	if _, err := fmt.Fprintf(out, "nats %s on %s\n", natsVersion, strings.Replace(s.WebsocketURL(), "ws://", "http://", 1)); err != nil {
		return err
	}
	s.WaitForShutdown()
	return nil
}
