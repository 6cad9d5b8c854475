package bench

import (
	"context"
)

// PagesResult is what the readers of newest pages were given.
type PagesResult struct {
	NoCache  bool              `json:"no_cache"`         // asked for with Cache-Control: no-cache
	XCache   map[string]uint64 `json:"x_cache"`          // answers after the warm-up by their X-Cache header: HIT, MISS, BYPASS, other, none
	HitRatio float64           `json:"hit_ratio"`        // HITs of all these
	Stale    uint64            `json:"stale"`            // pages without a message that was acknowledged before they were asked for
	Bytes    float64           `json:"bytes_per_answer"` // of the body

	Posts        float64 `json:"writes_per_second"` // as was intended
	Acknowledged uint64  `json:"acknowledged"`
	PostP50      float64 `json:"post_p50_ms"` // from the intended time to the acknowledgement
	PostP99      float64 `json:"post_p99_ms"`
}

// pages fills the rooms, has pages read and messages posted, each at its own
// rate, and rooms of both chosen by one Zipf law.
func (r *run) pages(ctx context.Context) error {
	p, err := newReadership(r.cfg)
	if err != nil {
		return err
	}
	if err := p.prepare(ctx, r.phase); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	crew, posters := newCrew(ctx, readers, r.cfg.URLs, p.read), newCrew(ctx, writers, r.cfg.URLs, p.write)
	defer posters.close()
	defer crew.close()
	defer cancel() // what has not come by then is not waited for
	watch := r.watch(p)
	reads, posts := r.pacer(), r.pacer()
	reads.send = p.toRead(crew)
	posts.send, posts.rate, posts.progress = p.toWrite(posters), r.cfg.Posts, func(float64) {}
	p.countFrom(p.since() + int64(r.cfg.Warmup))
	ended := make(chan error, 1)
	go func() { ended <- posts.run(ctx, p.since) }()
	if err = reads.run(ctx, p.since); err == nil {
		err = <-ended
	} else {
		cancel()
		<-ended
	}
	r.settle(ctx, p.done, reads.sent-reads.unsent)
	r.settle(ctx, p.acks.Load, posts.sent-posts.unsent)
	r.result.Usage, r.result.Series = watch.stop()
	if err != nil {
		return err
	}
	p.collect(&r.result, reads, posts)
	return nil
}

func (p *readership) collect(res *Result, reads, posts *pacer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.tally
	res.Posted, res.Late, res.Unsent = reads.sent, reads.late, reads.unsent+posts.unsent
	res.Delivered, res.Expected = t.answered.Load(), reads.sent
	res.DeliveryRate = float64(res.Delivered) / reads.total.Seconds()
	res.Lost = reads.sent - min(reads.sent, res.Delivered)
	res.Errors, res.FirstError = t.errors, t.firstError
	res.setLatency(t.all)
	found := p.found
	found.PostP50, found.PostP99 = milliseconds(p.posts, 50), milliseconds(p.posts, 99)
	found.Bytes = float64(p.bytes) / float64(max(1, res.Delivered))
	if n := t.all.TotalCount(); n > 0 {
		found.HitRatio = float64(found.XCache["HIT"]) / float64(n)
	}
	res.Pages = &found
}
