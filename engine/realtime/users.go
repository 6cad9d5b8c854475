package realtime

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// userCounter bounds the connections of each user.
type userCounter struct {
	refused atomic.Uint64

	mu    sync.Mutex
	most  int
	count map[engine.ID]int
}

// SetMaxUserConnections changes how many connections a user may have. Those that
// are open stay.
func (h *Handler) SetMaxUserConnections(most int) {
	h.users.mu.Lock()
	defer h.users.mu.Unlock()
	h.users.most = most
}

func (u *userCounter) enter(user engine.ID) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count == nil {
		u.count = map[engine.ID]int{}
	}
	if u.count[user] >= u.most {
		u.refused.Add(1)
		return &engine.Error{
			Code:       engine.CodeRateLimited,
			Message:    fmt.Sprintf("a user may have %d connections to a node", u.most),
			RetryAfter: time.Second,
		}
	}
	u.count[user]++
	return nil
}

func (u *userCounter) leave(user engine.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count[user]--; u.count[user] == 0 {
		delete(u.count, user)
	}
}
