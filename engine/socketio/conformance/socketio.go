package main

import (
	"time"

	"github.com/klatch-chat/klatch/engine/socketio"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// What both suites expect.
const (
	pingInterval = 300 * time.Millisecond
	pingTimeout  = 200 * time.Millisecond
	maxPayload   = 1e6
)

// openSocketIO answers each event in the namespaces "/" and "/custom".
func openSocketIO() (fixture, error) {
	s, err := socketio.New(socketio.Config{Config: engineio.Config{
		PingInterval: pingInterval, PingTimeout: pingTimeout, MaxPayload: maxPayload, AllowEIO3: true,
	}})
	if err != nil {
		return nil, err
	}
	s.OnConnection(greet)
	s.Of("/custom").OnConnection(greet)
	return s, nil
}

func greet(s *socketio.Socket) {
	s.On("message", func(e *socketio.Event) {
		if args, err := e.Values(); err == nil {
			_ = s.Emit("message-back", args...)
		}
	})
	s.On("message-with-ack", func(e *socketio.Event) {
		if args, err := e.Values(); err == nil {
			_ = e.Ack(args...)
		}
	})
	_ = s.Emit("auth", s.Handshake().Auth)
}
