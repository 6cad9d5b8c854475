package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/storage/backup"
)

// archivist hands out backups of a running node over the control socket, one at a time.
type archivist struct {
	source func() backup.Source
	turn   chan struct{} // one place: a backup's, or for good close's
	ending context.Context
	end    context.CancelFunc
}

func newArchivist(source func() backup.Source) *archivist {
	a := &archivist{source: source, turn: make(chan struct{}, 1)}
	a.ending, a.end = context.WithCancel(context.Background())
	return a
}

// close ends a backup that is under way, and waits for it: it reads the store.
func (a *archivist) close() error {
	a.end()
	a.turn <- struct{}{}
	return nil
}

// backupError is the trailer that says why a stream has no manifest at its end.
const backupError = "Klatch-Error"

// readPatience bounds how long a backup waits for somebody who takes nothing of it:
// meanwhile the store keeps what it has replaced.
const readPatience = 5 * time.Minute

var errBackupRuns = errors.New("a backup of this node is under way already, or the node is stopping: try again later")

func (a *archivist) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	default:
		refuse(w, http.StatusConflict, errBackupRuns)
		return
	}
	ctx, cancel := context.WithCancel(a.ending) // ends with it at once: no piece is read of a store that closes
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	w.Header().Set("Content-Type", "application/x-tar")
	out := &patientWriter{w: w, control: http.NewResponseController(w)}
	_, err := backup.Make(ctx, a.source(), backup.NewTar(out), nil)
	switch {
	case err == nil:
	case !out.begun:
		refuse(w, http.StatusServiceUnavailable, err)
	case a.ending.Err() != nil:
		w.Header().Set(http.TrailerPrefix+backupError, "the node is stopping")
	default:
		w.Header().Set(http.TrailerPrefix+backupError, strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// patientWriter gives the reader of an answer new time with each write.
type patientWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (p *patientWriter) Write(b []byte) (int, error) {
	p.begun = true
	if err := p.control.SetWriteDeadline(time.Now().Add(readPatience)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}
