package cli

import (
	"errors"
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// export streams an export. One that fails on the way is cut off, and its reader
// sees that: no trailer.
func (d *desk) export(w http.ResponseWriter, r *http.Request) {
	o, err := parseExportQuery(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	o.Program = currentVersion().Version
	w.Header().Set("Content-Type", "application/jsonl")
	begun := &begunWriter{ResponseWriter: w}
	_, err = d.store.Export(r.Context(), begun, o)
	switch {
	case err == nil:
	case begun.begun:
		panic(http.ErrAbortHandler)
	default:
		refuse(w, statusOfStore(err), sentence(err))
	}
}

// begunWriter knows whether the answer has begun.
type begunWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *begunWriter) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

func statusOfStore(err error) int {
	if errors.Is(err, &engine.Error{Code: engine.CodeInvalidField}) {
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

// sentence is what an error says to people.
func sentence(err error) error {
	var e *engine.Error
	if errors.As(err, &e) {
		return errors.New(e.Message)
	}
	return err
}
