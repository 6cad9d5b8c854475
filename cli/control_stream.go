package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/storage"
)

// streamLine is one line of an answer that takes long: progress, and at last the
// result or why there is none.
type streamLine struct {
	Progress *storage.CheckProgress `json:"progress,omitempty"`
	Result   json.RawMessage        `json:"result,omitempty"`
	Error    string                 `json:"error,omitempty"`
}

// stream has something done that takes long.
func (o *operator) stream(ctx context.Context, path string, in, out any, tell func(storage.CheckProgress)) error {
	resp, err := o.open(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var line streamLine
		if err := lines.Decode(&line); err != nil {
			return fmt.Errorf("the node in %s has not come to the end of it: %w", o.data, cutOff(err))
		}
		switch {
		case line.Error != "":
			return errors.New(line.Error)
		case line.Result != nil:
			return json.Unmarshal(line.Result, out)
		case line.Progress != nil:
			tell(*line.Progress)
		}
	}
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it has stopped")
	}
	return err
}

// lineWriter writes the lines of a long answer, progress at most twice a second.
type lineWriter struct {
	w http.ResponseWriter

	mu   sync.Mutex
	told time.Time
}

const progressInterval = 500 * time.Millisecond

func newLineWriter(w http.ResponseWriter) *lineWriter {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lineWriter{w: w}
}

func (l *lineWriter) tell(p storage.CheckProgress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.told) < progressInterval {
		return
	}
	l.told = time.Now()
	l.put(streamLine{Progress: &p})
}

// put writes a line. Who asked may have gone: then the request's context says so.
func (l *lineWriter) put(line streamLine) {
	_ = json.NewEncoder(l.w).Encode(line)
	_ = http.NewResponseController(l.w).Flush()
}

func (l *lineWriter) end(result any, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := streamLine{}
	if err == nil {
		line.Result, err = json.Marshal(result)
	}
	if err != nil {
		line = streamLine{Error: err.Error()}
	}
	l.put(line)
}
