package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

type health struct {
	Status string `json:"status"`
}

func (s *server) healthz(*request) (reply, error) { return answer(health{"alive"}) }

func (s *server) readyz(*request) (reply, error) {
	if !s.engine.Ready() {
		return reply{}, &engine.Error{Code: engine.CodeUnavailable, Message: "the node is leaving: send traffic to another", RetryAfter: engine.ErrUnavailable.RetryAfter}
	}
	return answer(health{"ready"})
}

func (s *server) describe(*request) (reply, error) {
	return reply{status: http.StatusOK, kept: s.openAPI}, nil
}
