package portable

import (
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/klatch-chat/klatch/engine"
)

// Version is that of the form. A file of another one is refused.
const Version = 1

// Header is the first line: what the file holds.
type Header struct {
	Version  int             `json:"klatch_export"`
	Program  string          `json:"klatch"` // the version of klatch that wrote it
	Node     string          `json:"node"`   // the node it was written by
	At       engine.Time     `json:"at"`
	After    engine.Position `json:"after,omitzero"` // what whoever reads the file has already
	Position engine.Position `json:"position"`       // what there is with it
	Bodies   Bodies          `json:"bodies"`
	Secrets  bool            `json:"secrets"`
}

// Bodies says which bodies of messages a file holds.
type Bodies string

// The bodies that there may be.
const (
	BodiesShown Bodies = "shown" // what views show: neither those of deleted messages nor those before an edit
	BodiesAll   Bodies = "all"
)

// fate is what every event of such a file suffers, and what it is spared.
func (h *Header) fate() (all, spared Fate) {
	if !h.Secrets {
		all = Secret
	}
	if h.Bodies == BodiesAll {
		spared = Replaced | gone
	}
	return all, spared
}

// check refuses a header that no version wrote.
func (h *Header) check() error {
	switch {
	case h.Version != Version:
		return &fieldError{"klatch_export", fmt.Sprintf("it is of version %d of the form; this program knows %d", h.Version, Version)}
	case h.Bodies != BodiesShown && h.Bodies != BodiesAll:
		return &fieldError{"bodies", fmt.Sprintf("%q is neither shown nor all", string(h.Bodies))}
	case !h.Position.Covers(h.After):
		return &fieldError{"after", "it is not before the position"}
	}
	if o, err := engine.ParseOrigin(h.Node); err != nil || o == 0 {
		return &fieldError{"node", "it is not the id of a node"}
	}
	return nil
}

// Trailer is the last line.
type Trailer struct {
	Events uint64 `json:"events"`
	SHA256 string `json:"sha256"` // of every byte before this line, in hexadecimal
}

// check compares a trailer with what came before it.
func (t *Trailer) check(events uint64, sum []byte) error {
	switch {
	case t.Events != events:
		return &fieldError{"events", fmt.Sprintf("it counts %d, and %d came", t.Events, events)}
	case t.SHA256 != hex.EncodeToString(sum):
		return &fieldError{"sha256", "the lines before it are not those that were written: the file has been changed or damaged"}
	}
	return nil
}

// lineOf writes a header or trailer.
func lineOf(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}

// parseWhole reads a line that is one struct, strictly.
func parseWhole(line []byte, v any) error {
	return asJSON(json.Unmarshal(line, v, json.RejectUnknownMembers(true)))
}
