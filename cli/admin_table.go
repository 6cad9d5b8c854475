package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// column is one of a table of things.
type column[T any] struct {
	title string
	cell  func(*T) string
}

// table writes things as people read them.
type table[T any] struct {
	columns []column[T]
	w       *tabwriter.Writer
	rows    int
}

// alignedRows are aligned together: a longer table is written as it comes.
const alignedRows = 1000

func newTable[T any](w io.Writer, columns []column[T]) *table[T] {
	t := &table[T]{columns: columns, w: newTabwriter(w)}
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.title)
	}
	fmt.Fprintln(t.w, strings.Join(titles, "\t"))
	return t
}

func newTabwriter(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func (t *table[T]) add(v *T) error {
	var cells []string
	for _, c := range t.columns {
		cells = append(cells, told(clipped(printable(c.cell(v)))))
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	if t.rows++; t.rows%alignedRows == 0 {
		return t.w.Flush()
	}
	return nil
}

func (t *table[T]) end() error { return t.w.Flush() }

// writeFields writes one thing, a field a line: names and values by turns.
func writeFields(w io.Writer, fields ...string) error {
	t := newTabwriter(w)
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(t, "%s\t%s\n", fields[i], told(printable(fields[i+1])))
	}
	return t.Flush()
}
