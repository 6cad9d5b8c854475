package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"
)

const (
	// namesPatience is how long a shell waits for names at the most.
	namesPatience = time.Second
	// maxNames is of how many users or rooms names are offered: the oldest.
	maxNames = 1000
)

// liveNames are names that the node in a data directory knows: none when it does not answer.
func liveNames(data, list string) (found []candidate) {
	ctx, cancel := context.WithTimeout(context.Background(), namesPatience)
	defer cancel()
	n := socketNode(cmp.Or(data, "./klatch-data"), namesPatience)
	_, _ = n.pages(ctx, all(list), "", maxNames, func(item json.RawMessage) error {
		var named struct {
			Username string `json:"username"`
			Name     string `json:"name"`
			Deleted  bool   `json:"deleted"`
		}
		if json.Unmarshal(item, &named) == nil && !named.Deleted {
			if name := cmp.Or(named.Username, named.Name); wordlike(name) {
				found = append(found, candidate{word: name})
			}
		}
		return nil
	})
	return found
}

// wordlike reports whether no shell sees more in a name than letters.
func wordlike(name string) bool {
	return name != "" && !strings.ContainsRune("-~", rune(name[0])) &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ._-~") == ""
}
