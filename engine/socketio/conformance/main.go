// Command conformance starts the servers that the official test suites of
// Engine.IO and Socket.IO are written against, with the intervals, the namespaces
// and the events that they expect:
//
//	go run ./engine/socketio/conformance -addr 127.0.0.1:3000
//	go run ./engine/socketio/conformance -addr 127.0.0.1:3000 -eio
//
// The suites are test-suite/test-suite.js of github.com/socketio/socket.io-protocol
// and github.com/socketio/engine.io-protocol.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "where to listen; port 0 for any")
	eio := flag.Bool("eio", false, "serve Engine.IO alone: an echo")
	path := flag.String("path", "", "path to serve; default /socket.io/, with -eio /engine.io/")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *path, *eio); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// fixture is a server that a suite is run against.
type fixture interface {
	http.Handler
	Close(ctx context.Context) error
}

func run(ctx context.Context, addr, path string, eio bool) error {
	open, usual := openSocketIO, "/socket.io/"
	if eio {
		open, usual = openEngineIO, "/engine.io/"
	}
	if path == "" {
		path = usual
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	f, err := open()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Printf("listening on http://%s%s\n", listener.Addr(), path)
	return serve(ctx, listener, path, f)
}

// serve serves until ctx ends.
func serve(ctx context.Context, listener net.Listener, path string, f fixture) error {
	mux := http.NewServeMux()
	mux.Handle(path, f)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, f.Close(last), server.Close())
}
