package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"syscall"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// openExportSource finds the node that runs in a data directory, or opens the
// directory where none does.
func openExportSource(data string) (exportSource, error) {
	o := newOperator(data, 0)
	conn, err := o.dial(context.Background(), "", "")
	if err == nil {
		return &nodeSource{o}, conn.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
		return nil, o.unreached(err)
	}
	if _, missing := os.Stat(data); errors.Is(missing, fs.ErrNotExist) {
		return nil, o.unreached(err)
	}
	if there, err := storage.Exists(data, Disk); err != nil {
		return nil, fmt.Errorf("look into %s: %w", data, err)
	} else if !there {
		return nil, fmt.Errorf("no node runs in %s, and no store is there: name a node's directory with --data", data)
	}
	store, err := storage.Open(data, storage.Options{Memory: storeToolMemory, FS: Disk, Now: Clock})
	if err != nil {
		return nil, err
	}
	return &directorySource{store}, nil
}

// storeToolMemory is what commands give the caches of a store that they open: they
// read or write each thing once.
const storeToolMemory = 64 << 20

// directorySource is the store of a stopped node.
type directorySource struct{ store *storage.Store }

func (s *directorySource) export(ctx context.Context, o exportRequest, w io.Writer) error {
	o.Program = currentVersion().Version
	_, err := s.store.Export(ctx, w, o)
	return err
}

func (s *directorySource) close() { _ = s.store.Close() } // nothing was written

// nodeSource is a running node.
type nodeSource struct{ *operator }

func (s *nodeSource) close() {}

func (s *nodeSource) export(ctx context.Context, o exportRequest, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://node/export?"+exportQuery(o).Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return s.unreached(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var no refusal
		if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&no); err != nil || no.Detail == "" {
			return fmt.Errorf("the node in %s answers %s", s.data, resp.Status)
		}
		return errors.New(no.Detail)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read from the node in %s: %w", s.data, err)
	}
	return nil
}

// The parameters of GET /export on the control socket. Its answer is the file.
const (
	paramAfter      = "after"
	paramThrough    = "through"
	paramEverything = "everything"
	paramSecrets    = "secrets"
)

func exportQuery(o exportRequest) url.Values {
	q := url.Values{}
	for name, p := range map[string]engine.Position{paramAfter: o.After, paramThrough: o.Through} {
		if !p.Equal(engine.Position{}) {
			q.Set(name, p.String())
		}
	}
	for name, set := range map[string]bool{paramEverything: o.Everything, paramSecrets: o.Secrets} {
		if set {
			q.Set(name, "true")
		}
	}
	return q
}

func parseExportQuery(q url.Values) (o exportRequest, err error) {
	for name, p := range map[string]*engine.Position{paramAfter: &o.After, paramThrough: &o.Through} {
		if q.Has(name) {
			if *p, err = engine.ParsePosition(q.Get(name)); err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	o.Everything, o.Secrets = q.Has(paramEverything), q.Has(paramSecrets)
	return o, nil
}
