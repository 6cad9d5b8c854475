package cli

import (
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/engine/realtime"
	"github.com/klatch-chat/klatch/engine/socket"
)

var engineFigures = []figure[engine.Stats]{
	gauge("sessions", "Real-time sessions now.",
		func(s engine.Stats) float64 { return float64(s.Sessions) }),
	gauge("rooms_live", "Rooms that have a session now.",
		func(s engine.Stats) float64 { return float64(s.Rooms) }),
	gauge("commit_queue_bytes", "Writes that wait for the committer now.",
		func(s engine.Stats) float64 { return float64(s.QueuedBytes) }),
	counter("posts", "Messages that users posted on this node; the sum over all nodes is what a cluster was given.",
		func(s engine.Stats) float64 { return float64(s.Posts) }),
	counter("commit_batches", "Batches committed, each with one sync.",
		func(s engine.Stats) float64 { return float64(s.Batches) }),
	counter("commit_events", "Events committed, those of other nodes included.",
		func(s engine.Stats) float64 { return float64(s.Events) }),
	histogram("commit_seconds", "Time from taking a batch of writes to the end of its sync.",
		func(s engine.Stats) engine.Distribution { return s.Commits }),
	histogram("commit_group_events", "Events that shared one sync.",
		func(s engine.Stats) engine.Distribution { return s.Groups }),
	counter("commit_failed_writes", "Writes whose batch the store refused.",
		func(s engine.Stats) float64 { return float64(s.FailedWrites) }),
	counter("deliveries", "Frames handed to sessions.",
		func(s engine.Stats) float64 { return float64(s.Deliveries) }),
	histogram("delivery_seconds", "Time from a batch's sync to the write of one of its frames on a WebSocket of klatch's own protocol: of each batch one delivery is timed.",
		func(s engine.Stats) engine.Distribution { return s.DeliveryTime }),
	counter("resumed_sessions", "Sessions that went on from their cursor.",
		func(s engine.Stats) float64 { return float64(s.Resumed) }),
	counter("reset_sessions", "Sessions whose cursor could not be served.",
		func(s engine.Stats) float64 { return float64(s.Resets) }),
	counter("replayed_events", "Events read from the log for resuming sessions.",
		func(s engine.Stats) float64 { return float64(s.ReplayedEvents) }),
	counter("conflicts", "Names of users or rooms that were found to be claimed twice.",
		func(s engine.Stats) float64 { return float64(s.Conflicts) }),
	counter("repeats_hidden", "Messages hidden as repeats of one that another node had taken.",
		func(s engine.Stats) float64 { return float64(s.Hidden) }),
}

var socketFigures = []figure[socket.Stats]{
	gauge("socket_connections", "WebSocket connections now.",
		func(s socket.Stats) float64 { return float64(s.Open) }),
	gauge("socket_parked", "Of them, those that hold no goroutine and no buffer.",
		func(s socket.Stats) float64 { return float64(s.Parked) }),
	gauge("socket_queue_bytes", "Bytes that wait in all outboxes now.",
		func(s socket.Stats) float64 { return float64(s.QueueBytes) }),
	counter("socket_accepted", "Connections accepted.",
		func(s socket.Stats) float64 { return float64(s.Accepted) }),
	counter("socket_refused", "Handshakes refused.",
		func(s socket.Stats) float64 { return float64(s.Refused) }),
	counters("socket_evictions", "Connections closed by the node: the outbox was full, a write made no progress (stalled), there was no sign of life (silent), or a message that had begun did not end (unfinished).",
		[]string{"reason"}, func(s socket.Stats, each series) {
			each(float64(s.EvictedFull), "full")
			each(float64(s.EvictedStalled), "stalled")
			each(float64(s.EvictedSilent), "silent")
			each(float64(s.EvictedUnfinished), "unfinished")
		}),
	counter("socket_frames_in", "Frames received.",
		func(s socket.Stats) float64 { return float64(s.FramesIn) }),
	counter("socket_bytes_in", "Bytes received.",
		func(s socket.Stats) float64 { return float64(s.BytesIn) }),
	counter("socket_frames_out", "Frames sent.",
		func(s socket.Stats) float64 { return float64(s.FramesOut) }),
	counter("socket_bytes_out", "Bytes sent.",
		func(s socket.Stats) float64 { return float64(s.BytesOut) }),
	counter("socket_writes", "System calls that sent them; frames out by writes is how many rode together.",
		func(s socket.Stats) float64 { return float64(s.Writes) }),
}

var answerFigures = []figure[api.Stats]{
	counter("http_cache_hits", "Answers to GET requests from the response cache.",
		func(s api.Stats) float64 { return float64(s.Hits) }),
	counter("http_cache_misses", "Answers that were read from the store and kept.",
		func(s api.Stats) float64 { return float64(s.Misses) }),
	counter("http_cache_joined", "Answers of a reading that somebody else had begun.",
		func(s api.Stats) float64 { return float64(s.Joined) }),
	counter("http_cache_bypassed", "Answers that were read past the cache.",
		func(s api.Stats) float64 { return float64(s.Bypassed) }),
	counter("http_cache_read_ahead", "Pages that were read before anybody asked for them.",
		func(s api.Stats) float64 { return float64(s.Ahead) }),
	counter("http_cache_evicted", "Answers that had to make room for others.",
		func(s api.Stats) float64 { return float64(s.Evicted) }),
	counter("http_cache_failures", "Failures of the cache itself; the answers were read from the store.",
		func(s api.Stats) float64 { return float64(s.Failures) }),
	gauge("http_cache_bytes", "What the answers in the response cache take, about.",
		func(s api.Stats) float64 { return float64(s.Bytes) }),
}

// limitFigures are of what was refused for being too much. The limit of writes is
// shared by all protocols, and so the engine's.
var limitFigures = []figure[limitStats]{
	counters("rate_limited", "Requests and frames refused for their rate: a user's writes or reads, an address's sign-ins, or its requests without a token that holds (strangers).",
		[]string{"limit"}, func(s limitStats, each series) {
			each(float64(s.engine.RateLimited), "writes")
			each(float64(s.api.ReadsLimited), "reads")
			each(float64(s.api.SignInsLimited), "sign-ins")
			each(float64(s.api.StrangersLimited), "strangers")
		}),
	counters("sign_ins", "Sign-ins with a password by outcome; those refused for their rate are in klatch_rate_limited_total.",
		[]string{"outcome"}, func(s limitStats, each series) {
			each(float64(s.api.SignedIn), "done")
			each(float64(s.api.SignInsWrong), "wrong")
			each(float64(s.api.SignInsFailed), "failed")
		}),
}

// limitStats are the parts that limitFigures are read from.
type limitStats struct {
	engine engine.Stats
	api    api.Stats
}

var admissionFigures = []figure[refusedConnections]{
	counters("connections_refused", "Real-time connections refused because the node, their address or their user had all that it may have.",
		[]string{"bound"}, func(s refusedConnections, each series) {
			each(float64(s.node), "node")
			each(float64(s.address), "address")
			each(float64(s.user), "user")
		}),
}

var realtimeFigures = []figure[realtime.Stats]{
	counters("frame_errors", "Real-time frames answered with an error, by its code.",
		[]string{"code"}, func(s realtime.Stats, each series) {
			for code, n := range s.Failed {
				each(float64(n), string(code))
			}
		}),
}

var socketIOFigures = []figure[realtime.SocketIOStats]{
	gauges("socketio_sessions", "Socket.IO sessions now; one that changes its transport may count for both.",
		[]string{"transport"}, func(s realtime.SocketIOStats, each series) {
			each(float64(s.Polling), "polling")
			each(float64(s.WebSocket), "websocket")
		}),
}

var lobbyFigures = []figure[lobbyStats]{
	gauge("http_waiting", "Connections that wait to be served now.",
		func(s lobbyStats) float64 { return float64(s.waiting) }),
	counter("http_turned_away", "Connections answered 503 because too many waited.",
		func(s lobbyStats) float64 { return float64(s.turnedAway) }),
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
