package cli_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"
)

// checkPlaces takes every place that the server has, of the node and of each
// user: an attack that had one lost would show here.
func (s *soak) checkPlaces() {
	ctx, cancel := context.WithTimeout(context.Background(), restPatience)
	defer cancel()
	a := &attacker{s: s, ctx: ctx, rng: rand.New(rand.NewPCG(s.seed, 1))}
	defer a.leave()
	for i := range soakPlaces - soakNeighbours {
		if _, err := a.upgraded(false); err != nil {
			s.t.Errorf("of %d places of the node, %d were free: %v", soakPlaces-soakNeighbours, i, err)
			break
		}
	}
	if _, err := a.upgraded(false); err == nil || !strings.Contains(err.Error(), "503") {
		s.t.Errorf("one connection more than there are places: %v", err)
	}
	users := []string{s.token("crowd", time.Now().Add(time.Hour), soakGarden)}
	for _, token := range append(users, s.tokens...) {
		a.leave()
		await(s.t, "the end of the last connections", func() bool {
			m, err := s.metrics()
			return err == nil && m["klatch_socket_connections"] == soakNeighbours
		})
		for i := range soakUserPlaces {
			p, err := a.upgraded(false)
			if err == nil {
				err = p.hello(token, "")
			}
			if err != nil {
				s.t.Errorf("of %d places of a user, %d were free: %v", soakUserPlaces, i, err)
				break
			}
		}
	}
}
