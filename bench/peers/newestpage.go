package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klatch-chat/klatch/bench"
)

// newestPage is the load of the scenarios of that name. Its users are wrk's connections.
var newestPage = bench.Config{
	Kind: bench.Pages, Users: 32, Rooms: 1, Messages: 200, Body: 200, Warmup: 2 * time.Second, Duration: 10 * time.Second,
}

// asker is who asks for the newest page.
type asker string

const (
	plainAsker   asker = ""             // takes it as it is, which no browser does
	gzipAsker    asker = "-gzip"        // takes it in gzip
	revalidating asker = "-revalidated" // takes it in gzip, and has it already
)

var askers = []asker{plainAsker, gzipAsker, revalidating}

// about ends the description of a load.
func (a asker) about() string {
	return map[asker]string{gzipAsker: ", in gzip", revalidating: ", to who takes gzip and has the page: 304"}[a]
}

// newestPage has wrk read the newest page of one room, with the server's caches
// and without.
func (r *running) newestPage(ctx context.Context, cfg bench.Config, who asker, uncachedFirst bool) (all []bench.Result, err error) {
	room, err := r.fill(ctx, cfg.Messages, cfg.Body)
	if err != nil {
		return nil, fmt.Errorf("fill a room: %w", err)
	}
	defer room.close()
	for _, noCache := range []bool{uncachedFirst, !uncachedFirst} {
		cfg.NoCache = noCache
		res, err := r.hammer(ctx, cfg, who, room)
		if err != nil {
			return nil, err
		}
		all = append(all, res)
	}
	return all, nil
}

// hammer measures one way to ask. The warm-up is for those who compile as they run.
func (r *running) hammer(ctx context.Context, cfg bench.Config, who asker, room *hotRoom) (res bench.Result, err error) {
	q, err := room.question(ctx, who, cfg.NoCache)
	if err != nil {
		return res, err
	}
	if _, err = room.answered(ctx, q); err != nil {
		return res, err
	}
	load := wrk{url: room.reader.url + room.newest(), header: q.header(), token: room.reader.token, connections: cfg.Users, duration: cfg.Warmup}
	if _, err = load.run(ctx); err != nil {
		return res, err
	}
	page, err := room.answered(ctx, q) // now kept, if ever
	if err != nil {
		return res, err
	}
	began, meter := time.Now(), bench.NewMeter(r.pids)
	load.duration = cfg.Duration
	found, err := load.run(ctx)
	if err != nil {
		return res, err
	}
	usage := meter.Usage()
	usage.Generator = found.cpu
	res = found.result(cfg, page)
	res.Began, res.Usage = began.UTC().Truncate(time.Second), usage
	if share := found.cpu / usage.Seconds; share > busyWrk {
		res.Bottleneck = fmt.Sprintf("wrk's one thread was busy (%.2f of a core)", share)
	}
	return res, nil
}

func (f wrkFound) result(cfg bench.Config, page pageRead) bench.Result {
	return bench.Result{
		Kind: cfg.Kind, Protocol: "HTTP/1.1", Users: cfg.Users, Rooms: cfg.Rooms, Body: cfg.Body,
		Posted: f.requests, Expected: f.requests, Delivered: f.requests - min(f.requests, f.refused),
		DeliveryRate: f.perSecond, Errors: f.errors + f.refused, FirstError: f.trouble, P50: f.p50, P99: f.p99,
		Pages: &bench.PagesResult{NoCache: cfg.NoCache, XCache: map[string]uint64{cmp.Or(page.xCache, "none"): 1}, Bytes: float64(page.bytes)},
	}
}

// busyWrk is the share of a core from which on wrk's thread is the limit.
const busyWrk = 0.9

// question is what this asker sends. Who revalidates has read the page before.
func (h *hotRoom) question(ctx context.Context, who asker, noCache bool) (question, error) {
	q := question{noCache: noCache, gzip: who != plainAsker}
	if who != revalidating {
		return q, nil
	}
	page, err := h.read(ctx, q)
	if err == nil && page.tag == "" {
		err = errors.New("a page without an ETag")
	}
	q.tag = page.tag
	return q, err
}

// answered reads the newest page of a room where nobody posts: 304 is the answer to who has it.
func (h *hotRoom) answered(ctx context.Context, q question) (pageRead, error) {
	p, err := h.read(ctx, q)
	if err == nil && q.tag != "" && !p.unchanged {
		err = fmt.Errorf("not 304 but %d bytes with the ETag %s, to who has %s", p.bytes, p.tag, q.tag)
	}
	return p, err
}

// checkPages posts ten messages, and each must be in the next page, however it is asked for.
func (r *running) checkPages(ctx context.Context) error {
	const size = 200
	room, err := r.fill(ctx, pageSize, size)
	if err != nil {
		return fmt.Errorf("fill a room: %w", err)
	}
	defer room.close()
	for range 10 {
		for _, who := range askers {
			if err := room.checkFresh(ctx, who, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkFresh reads pages, posts, and reads again, first as one who has the page from before the post.
func (h *hotRoom) checkFresh(ctx context.Context, who asker, size int) error {
	var before [2]question
	for i, noCache := range []bool{false, true} {
		var err error
		if before[i], err = h.question(ctx, who, noCache); err != nil {
			return err
		}
		if _, err = h.answered(ctx, before[i]); err != nil {
			return err
		}
	}
	if err := h.post(ctx, size); err != nil {
		return err
	}
	for _, q := range []question{before[0], before[1], before[0]} {
		p, err := h.read(ctx, q)
		if err == nil && p.unchanged {
			err = fmt.Errorf("304 to who has the page without the message %s, which was posted before (%s)", h.posted[len(h.posted)-1].ID, q)
		}
		if err == nil && q.noCache && p.xCache != "BYPASS" {
			err = fmt.Errorf("X-Cache is %q, not BYPASS (%s)", p.xCache, q)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
