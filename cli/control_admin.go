package cli

import (
	"errors"
	"net/http"
)

// openAdmin has the socket serve the API's routes for administrators, at the same
// paths as the public address does. Who comes by the socket is the operator: that
// it can be opened is the proof.
//
// The engine closes before the socket does. In between, reads are answered as
// before, and writes are refused as unavailable.
func (d *desk) openAdmin(door http.Handler) { d.api.Store(&door) }

func (d *desk) administer(w http.ResponseWriter, r *http.Request) {
	door := d.api.Load()
	if door == nil {
		refuse(w, http.StatusServiceUnavailable, errors.New("this node has only just been started: ask again in some seconds"))
		return
	}
	(*door).ServeHTTP(w, r)
}
