package cli

import (
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/storage"
)

// nodeFigures gathers what GET /admin/stats shows from the parts of a node. Its
// fields are set before anybody can ask.
type nodeFigures struct {
	begun     time.Time
	store     *storage.Store
	engine    *engine.Engine
	admission *admission
	members   *membership // nil: no cluster
	answers   func() api.Stats
}

func (f *nodeFigures) read() api.NodeStats {
	e, m, a := f.engine.Stats(), f.store.Metrics(), f.answers()
	return api.NodeStats{
		Node: f.store.Origin().String(), Version: currentVersion().Version,
		Uptime: int64(Clock().Sub(f.begun) / time.Second), Position: f.engine.Position().String(),
		Connections: f.admission.count(), Sessions: e.Sessions, RoomsLive: e.Rooms,
		Posts: e.Posts, Events: e.Events, Deliveries: e.Deliveries, Commits: e.Batches,
		CommitTime: quantilesOf(e.Commits), DeliveryTime: quantilesOf(e.DeliveryTime),
		Cache: []api.CacheStats{
			{Name: "answers", Hits: a.Hits + a.Joined, Misses: a.Misses, Bytes: a.Bytes},
			{Name: "records", Hits: m.RecordHits, Misses: m.RecordMisses, Bytes: count(m.RecordBytes)},
			{Name: "pages", Hits: m.PageHits + m.PageExtensions, Misses: m.PageMisses},
			{Name: "blocks", Hits: count(m.BlockCacheHits), Misses: count(m.BlockCacheMisses), Bytes: count(m.BlockCacheBytes)},
		},
		Store: api.StoreStats{
			DiskBytes: m.DiskBytes, FreeBytes: m.FreeBytes, Compactions: count(m.Compactions), Refusing: m.Refusing,
		},
		Cluster: f.peers(),
	}
}

// count reads what Pebble counts with a sign.
func count(n int64) uint64 { return uint64(max(0, n)) }

func (f *nodeFigures) peers() []api.PeerStats {
	all := []api.PeerStats{}
	if f.members == nil {
		return all
	}
	for _, m := range f.members.view().peers {
		all = append(all, api.PeerStats{Node: m.Node, State: string(m.State), Behind: m.Behind, Ahead: m.Ahead})
	}
	return all
}

// quantilesOf estimates them; nil where nothing was measured.
func quantilesOf(d engine.Distribution) *api.Quantiles {
	if d.Count == 0 {
		return nil
	}
	return &api.Quantiles{P50: d.Quantile(.5), P99: d.Quantile(.99)}
}
