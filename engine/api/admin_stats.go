package api

import "github.com/klatch-chat/klatch/engine"

// NodeStats are a node's figures at one moment, for people who watch it. Totals
// run since the start of the process. What is not measured is absent.
type NodeStats struct {
	Node     string `json:"node"`
	Version  string `json:"version"`
	Uptime   int64  `json:"uptime_s"`
	Position string `json:"position"`

	Connections int `json:"connections"`
	Sessions    int `json:"sessions"`
	RoomsLive   int `json:"rooms_live"`

	Posts      uint64 `json:"posts_total"`
	Events     uint64 `json:"events_total"`
	Deliveries uint64 `json:"deliveries_total"`
	Commits    uint64 `json:"commits_total"`

	CommitTime   *Quantiles `json:"commit_seconds,omitempty"`
	DeliveryTime *Quantiles `json:"delivery_seconds,omitempty"`

	Cache   []CacheStats `json:"cache"`
	Store   StoreStats   `json:"store"`
	Cluster []PeerStats  `json:"cluster"` // empty for a node alone
}

// Quantiles of a time, in seconds: half were shorter than P50, all but a hundredth than P99.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// CacheStats are those of one of the node's caches.
type CacheStats struct {
	Name   string `json:"name"`
	Hits   uint64 `json:"hits"`
	Misses uint64 `json:"misses"`
	Bytes  uint64 `json:"bytes"`
}

// StoreStats are those of the disk.
type StoreStats struct {
	DiskBytes   uint64 `json:"disk_bytes"`
	FreeBytes   uint64 `json:"free_bytes"` // zero: not known
	Compactions uint64 `json:"compactions_total"`
	Refusing    bool   `json:"refusing"` // takes no writes now
}

// PeerStats are those of another member of the cluster.
type PeerStats struct {
	Node   string `json:"node"`
	State  string `json:"state"`
	Behind uint64 `json:"behind"` // events that it lacks of what this node has
	Ahead  uint64 `json:"ahead"`  // events that this node lacks of what it has
}

// showStats is not for caching: it is of the moment.
func (s *server) showStats(*request) (reply, error) {
	if s.Figures == nil {
		return reply{}, &engine.Error{Code: engine.CodeNotFound, Message: "this node keeps no figures"}
	}
	return answer(s.Figures())
}
