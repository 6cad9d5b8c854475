package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/urfave/cli/v2"
)

// pageSize is what is asked for at a time, the most that the API gives.
const pageSize = 200

func listFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "limit", Usage: "list at most `N`; 0 is all"},
		&cli.StringFlag{Name: "after", Usage: "go on at a `CURSOR`: what --json gave as next"},
	}
}

// page is a page of a list of the API.
type page struct {
	Items []json.RawMessage `json:"items"`
	Next  *string           `json:"next"`
}

var errNoProgress = errors.New("the node gives the same page again and again")

// pages walks a list from a cursor on until it ends or limit things were seen,
// and returns where it goes on; "" at its end.
func (n *adminNode) pages(ctx context.Context, list target, after string, limit int, each func(json.RawMessage) error) (next string, err error) {
	for seen := 0; ; {
		p, err := n.page(ctx, list, after, limit-seen)
		if err != nil {
			return "", err
		}
		for _, item := range p.Items {
			if err := each(item); err != nil {
				return "", err
			}
		}
		seen += len(p.Items)
		switch {
		case p.Next == nil:
			return "", nil
		case *p.Next == after:
			return "", errNoProgress
		case limit > 0 && seen >= limit:
			return *p.Next, nil
		}
		after = *p.Next
	}
}

// page asks for the next page, of at most limit things if that is above 0.
func (n *adminNode) page(ctx context.Context, list target, after string, limit int) (p page, err error) {
	size := pageSize
	if limit > 0 {
		size = min(size, limit)
	}
	q := url.Values{"limit": {strconv.Itoa(size)}}
	if after != "" {
		q.Set("after", after)
	}
	if list.single {
		q = nil
	}
	answer, err := n.call(ctx, "GET", list.query(q), nil)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(answer, &p); err != nil {
		return p, fmt.Errorf("read the node's answer: %w", err)
	}
	return p, nil
}

// writeList prints a list of the API as it comes: as a table, or with --json in the API's own shape.
func writeList[T any](e *errand, list target, columns []column[T]) error {
	if e.Int("limit") < 0 {
		return usageErrorf(e.Context, "--limit: %d is less than none", e.Int("limit"))
	}
	if e.Bool("json") {
		return e.writeItems(e.App.Writer, list)
	}
	t := newTable(e.App.Writer, columns)
	next, err := e.pages(list, func(item json.RawMessage) error {
		var v T
		if err := json.Unmarshal(item, &v); err != nil {
			return fmt.Errorf("read the node's answer: %w", err)
		}
		return t.add(&v)
	})
	if err != nil {
		return err
	}
	if err := t.end(); err != nil || next == "" {
		return err
	}
	_, err = fmt.Fprintf(e.App.ErrWriter, "klatch: there is more: --after %s\n", printable(next))
	return err
}

func (e *errand) pages(list target, each func(json.RawMessage) error) (string, error) {
	return e.node.pages(e.Context.Context, list, e.String("after"), e.Int("limit"), each)
}

func (e *errand) writeItems(w io.Writer, list target) error {
	begun := `{"items":[`
	next, err := e.pages(list, func(item json.RawMessage) error {
		_, err := fmt.Fprintf(w, "%s%s", begun, item)
		begun = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if begun != ",\n" {
		fmt.Fprint(w, begun)
	}
	cursor := []byte("null")
	if next != "" {
		if cursor, err = json.Marshal(next); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "],\"next\":%s}\n", cursor)
	return err
}
