package main

import (
	"context"
	"errors"

	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// echo is an Engine.IO server that sends each message back.
type echo struct {
	*engineio.Server
	sockets *socket.Server
}

func openEngineIO() (fixture, error) {
	sockets := socket.NewServer(socket.Config{ReadLimit: maxPayload, HeartbeatInterval: pingInterval, HeartbeatTimeout: pingTimeout})
	s, err := engineio.New(engineio.Config{
		Sockets: sockets, PingInterval: pingInterval, PingTimeout: pingTimeout, MaxPayload: maxPayload, AllowEIO3: true,
		Accept: func(*engineio.Session) (engineio.Handler, error) { return echoing{}, nil },
	})
	if err != nil {
		return nil, errors.Join(err, sockets.Close(context.Background()))
	}
	return &echo{s, sockets}, nil
}

// Close ends the sessions, then the sockets under them.
func (e *echo) Close(ctx context.Context) error {
	return errors.Join(e.Server.Close(ctx), e.sockets.Close(ctx))
}

// echoing is the handler of every session.
type echoing struct{}

func (echoing) Message(s *engineio.Session, binary bool, data []byte) {
	if binary {
		s.Send(socket.BinaryFrame(data))
		return
	}
	s.Send(socket.TextFrame(append([]byte("4"), data...)))
}

func (echoing) Beat(*engineio.Session) {}

func (echoing) Closed(*engineio.Session, engineio.Reason) {}
