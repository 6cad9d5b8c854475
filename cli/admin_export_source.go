package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// openExportSource finds the node that runs in a data directory, or opens the
// directory where none does.
func openExportSource(ctx context.Context, data string) (exportSource, error) {
	return nodeOrDirectory(ctx, data,
		func(o *operator) (exportSource, error) { return &nodeSource{o}, nil },
		func() (exportSource, error) {
			store, err := openStopped(data)
			return &directorySource{store}, err
		})
}

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
	resp, err := s.open(ctx, http.MethodGet, "/export?"+exportQuery(o).Encode(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
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
