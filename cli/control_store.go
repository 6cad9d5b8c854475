package cli

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/klatch-chat/klatch/storage"
)

// checkRequest asks for a check.
type checkRequest struct {
	Findings int `json:"findings"`
}

func (d *desk) check(w http.ResponseWriter, r *http.Request) {
	var in checkRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	out := newLineWriter(w)
	out.end(d.store.Check(r.Context(), storage.CheckOptions{Findings: min(in.Findings, maxFindings), Progress: out.tell}))
}

func (d *desk) compact(w http.ResponseWriter, r *http.Request) {
	out := newLineWriter(w)
	out.end(d.store.Compact(r.Context(), out.tell))
}
