package storage

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/portable"
)

// ExportOptions say what an export holds. The zero value is the whole log, as
// views show it, without secrets.
type ExportOptions struct {
	After      engine.Position // what is not wanted
	Through    engine.Position // the end; zero: all there is
	Everything bool            // also bodies that no view shows
	Secrets    bool            // also what authenticates people
	Program    string          // the version that writes, for the header
}

// Export writes the events of the log to w as package portable has them. It is
// a state of the store at one moment; what is written meanwhile is not in it. The store may be closed
// meanwhile: then Export fails.
func (s *Store) Export(ctx context.Context, w io.Writer, o ExportOptions) (portable.Trailer, error) {
	h, err := s.exportHeader(o)
	if err != nil {
		return portable.Trailer{}, err
	}
	c, err := s.chronicle(h.After, h.Position, h.Bodies == portable.BodiesShown)
	if err != nil {
		return portable.Trailer{}, err
	}
	t, err := c.export(ctx, w, h)
	return t, errors.Join(err, c.close())
}

func (s *Store) exportHeader(o ExportOptions) (portable.Header, error) {
	h := portable.Header{
		Version: portable.Version, Program: o.Program, Node: s.origin.String(),
		At: engine.Time(s.space.now().UnixMilli()), After: o.After, Position: s.Position(),
		Bodies: portable.BodiesShown, Secrets: o.Secrets,
	}
	if o.Everything {
		h.Bodies = portable.BodiesAll
	}
	if !h.Position.Covers(o.Through) {
		return h, refusedField("through", "this node does not have all that the file is to hold")
	}
	if !o.Through.Equal(engine.Position{}) {
		h.Position = o.Through
	}
	if !h.Position.Covers(o.After) {
		return h, refusedField("after", "this node has not come to the position after which the export is to begin")
	}
	return h, nil
}

func refusedField(field, message string) error {
	return &engine.Error{Code: engine.CodeInvalidField, Message: message, Fields: []engine.FieldError{{Field: field, Code: "malformed"}}}
}

func (c *chronicle) export(ctx context.Context, w io.Writer, h portable.Header) (portable.Trailer, error) {
	out, err := portable.NewWriter(w, h)
	if err != nil {
		return portable.Trailer{}, err
	}
	out.Doubt(doubtPost)
	a := c.readAhead()
	defer a.close()
	for {
		events, err := a.next()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return portable.Trailer{}, fmt.Errorf("read the log: %w", err)
		}
		for i := range events {
			if err := out.Event(&events[i].Event, events[i].fate); err != nil {
				return portable.Trailer{}, err
			}
		}
		if err := ctx.Err(); err != nil {
			return portable.Trailer{}, err
		}
	}
}

// doubtPost refuses a post that no node can have taken, for it cannot be read. Other
// events that this version cannot read may be of a later one.
func doubtPost(e *engine.Event) error {
	if e.Kind != engine.KindPosted {
		return nil
	}
	post := *e
	if err := decodePayload(&post); err != nil {
		return fmt.Errorf("read the log: event %s/%d: its message cannot be read: %w", e.Origin, e.Seq, err)
	}
	return nil
}

// readAhead reads a window while the one before it is written: reading takes
// about as long as writing.
type readAhead struct {
	read chan aheadOf  // what has been read
	free chan *window  // to be read into
	stop chan struct{} // closed by close
	last *window       // that the writer has
}

type aheadOf struct {
	w   *window
	err error
}

func (c *chronicle) readAhead() *readAhead {
	a := &readAhead{read: make(chan aheadOf), free: make(chan *window, 2), stop: make(chan struct{})}
	a.free <- new(window)
	a.free <- new(window)
	go func() {
		defer close(a.read)
		for {
			select {
			case w := <-a.free:
				if !a.put(aheadOf{w, c.next(w)}) {
					return
				}
			case <-a.stop:
				return
			}
		}
	}()
	return a
}

// put hands over what was read. It is false when nothing follows.
func (a *readAhead) put(r aheadOf) bool {
	select {
	case a.read <- r:
		return r.err == nil
	case <-a.stop:
		return false
	}
}

// next returns the next events, valid until the next call.
func (a *readAhead) next() ([]told, error) {
	if a.last != nil {
		a.free <- a.last
	}
	r := <-a.read
	a.last = r.w
	return r.w.events, r.err
}

// close returns when nobody reads any more.
func (a *readAhead) close() {
	close(a.stop)
	for range a.read {
		continue
	}
}
