package bench

import (
	"context"
	"errors"
	"math/rand/v2"
)

// pageLimit is how many messages a page asks for.
const pageLimit = 50

// fillChunk is how many messages are posted at once while a room is filled; the
// last one's id of each chunk is a place to page from.
const fillChunk = 100

var errNoPages = errors.New("this protocol loads no pages of history")

// history fills the room and then loads pages before random messages of it.
func (r *run) history(ctx context.Context) error {
	paging, ok := r.cfg.Protocol.(Paging)
	if !ok {
		return errNoPages
	}
	f, err := newFleet(r.cfg)
	if err != nil {
		return err
	}
	defer f.close()
	r.fleet = f
	if err := r.connect(ctx); err != nil {
		return err
	}
	places, err := r.fill(ctx)
	if err != nil {
		return err
	}
	p := r.pacer()
	p.send = func(i int, at int64) bool {
		c := f.clients[i%len(f.clients)]
		in := places[c.Room]
		return paging.Page(c, at, in[rand.IntN(len(in))])
	}
	watch := r.watch(f)
	f.each(func(l *loop) {
		l.tally.all.Reset() // of the filling
		l.tally.interval.Reset()
	})
	f.countFrom(f.since() + int64(r.cfg.Warmup))
	err = p.run(ctx, f.since)
	r.settle(ctx, f.answered, p.sent-p.unsent)
	r.result.Usage, r.result.Series = watch.stop()
	if err != nil {
		return err
	}
	t := f.sum()
	res := &r.result
	res.Posted, res.Late, res.Unsent = p.sent, p.late, p.unsent
	res.Delivered, res.Expected = f.answered(), p.sent
	res.DeliveryRate = float64(res.Delivered) / p.total.Seconds()
	res.Lost = p.sent - min(p.sent, res.Delivered)
	res.Errors, res.FirstError, res.Dropped = t.errors, t.firstError, f.dropped.Load()
	res.Refused = f.refused.Load()
	res.setLatency(t.all)
	return nil
}

// fill posts Config.Messages in each room and returns ids all over it.
func (r *run) fill(ctx context.Context) (places [][]string, err error) {
	places = make([][]string, r.cfg.Rooms)
	tell := r.phase("filling the room")
	for done := 0; done < r.cfg.Messages; done += fillChunk {
		for i := range fillChunk * r.cfg.Rooms {
			r.post(i, r.fleet.since())
		}
		if err := r.untilDelivered(ctx, r.expected()); err != nil {
			return nil, err
		}
		for room := range places {
			c := r.fleet.clients[room]
			places[room] = append(places[room], ask(c, func() string { return string(c.lastID[:]) }))
		}
		tell(float64(done) / float64(r.cfg.Messages))
	}
	return places, nil
}
