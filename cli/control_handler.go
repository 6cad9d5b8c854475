package cli

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// nodeFacts is what commands need to know of the node that they speak with.
type nodeFacts struct {
	Version   string `json:"version"`
	TLS       bool   `json:"tls"`        // it serves HTTPS itself
	SilenceMS int64  `json:"silence_ms"` // how long a real-time connection may say nothing
}

// list is how many things are answered.
type list[T any] struct {
	Items []T `json:"items"`
}

// forgetRequest names a member that will not come back.
type forgetRequest struct {
	Node string `json:"node"`
}

// left is what a node that has left for good says last.
type left struct {
	Node string `json:"node"`
}

// desk answers what comes over the control socket.
type desk struct {
	config  Config
	store   *storage.Store
	engine  *engine.Engine
	members *membership // nil: no cluster

	api     atomic.Pointer[http.Handler] // nil until the node has one
	backups *archivist
}

// maxConflicts is how many names one answer lists.
const maxConflicts = 1000

func (d *desk) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /node", d.node)
	mux.HandleFunc("GET /health", d.health)
	mux.HandleFunc("GET /export", d.export)
	mux.Handle("POST /backup", d.backups)
	mux.HandleFunc("GET /cluster/members", d.inCluster(d.list))
	mux.HandleFunc("GET /cluster/conflicts", d.conflicts)
	mux.HandleFunc("POST /cluster/leave", d.inCluster(d.leave))
	mux.HandleFunc("POST /cluster/forget", d.inCluster(d.forget))
	mux.HandleFunc("/api/v1/", d.administer)
	mux.HandleFunc("POST /store/check", d.check)
	mux.HandleFunc("POST /store/compact", d.compact)
	return mux
}

// inCluster refuses what a node alone cannot do, or not yet.
func (d *desk) inCluster(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case d.members == nil:
			refuse(w, http.StatusConflict, errors.New("this node is in no cluster: it was started with neither --cluster-addr nor --join"))
		case !d.members.hasJoined():
			refuse(w, http.StatusServiceUnavailable, errors.New("this node has only just been started and looks for the others: ask again in some seconds"))
		default:
			next(w, r)
		}
	}
}

func (d *desk) node(w http.ResponseWriter, _ *http.Request) {
	reply(w, nodeFacts{
		Version:   currentVersion().Version,
		TLS:       d.config.tls(),
		SilenceMS: (d.config.HeartbeatInterval + d.config.HeartbeatTimeout).Milliseconds(),
	})
}

func (d *desk) list(w http.ResponseWriter, _ *http.Request) {
	reply(w, list[cluster.Member]{d.members.Members()})
}

func (d *desk) conflicts(w http.ResponseWriter, _ *http.Request) {
	found, err := d.engine.Store().Conflicts(maxConflicts)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	if found == nil {
		found = []engine.Conflict{}
	}
	reply(w, list[engine.Conflict]{found})
}

func (d *desk) leave(w http.ResponseWriter, r *http.Request) {
	if err := d.members.leaveForGood(r.Context()); err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	reply(w, left{d.members.Node()})
}

func (d *desk) forget(w http.ResponseWriter, r *http.Request) {
	var in forgetRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if in.Node == d.members.Node() {
		refuse(w, http.StatusConflict, errors.New("that is the node itself: have it leave without --node"))
		return
	}
	if err := d.members.Forget(in.Node); err != nil {
		refuse(w, http.StatusConflict, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who asked has gone
}

// refusal is an error as the control socket tells it (RFC 9457).
type refusal struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refusal{http.StatusText(status), status, err.Error()})
}
