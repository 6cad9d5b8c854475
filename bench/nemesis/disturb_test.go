package nemesis

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"
)

// The disturbances are what they say: a node whose disk only seemed full would
// prove nothing.
func TestDisturbances(t *testing.T) {
	c := Config{Binary: klatch(t), Dir: t.TempDir(), Network: Proxy, Nodes: 1}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	f, err := openFleet(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	}()
	n := f.nodes[0]
	w := &warden{user: &user{name: "warden", rec: newRecorder()}}
	if err := w.open(ctx, f, nil); err != nil {
		t.Fatal(err)
	}
	d := &disturbed{t, ctx, n, w}

	d.set(Disturbance{Disk: diskSlow, SlowMS: 300}, func(a answer, took time.Duration) bool {
		return a.status == http.StatusCreated && took >= 300*time.Millisecond
	})
	d.set(Disturbance{SkewMS: time.Hour.Milliseconds()}, func(a answer, _ time.Duration) bool { return d.ahead(a) > 50*time.Minute })
	// The hybrid clock does not go back with the wall.
	d.set(Disturbance{SkewMS: -time.Hour.Milliseconds()}, func(a answer, _ time.Duration) bool { return d.ahead(a) > 50*time.Minute })
	d.set(Disturbance{Disk: diskFull, GraceMS: time.Hour.Milliseconds()}, func(a answer, _ time.Duration) bool {
		return a.status == http.StatusServiceUnavailable
	})
	d.set(Disturbance{}, func(a answer, took time.Duration) bool { return a.status == http.StatusCreated })
	d.set(Disturbance{Disk: diskFull}, func(a answer, _ time.Duration) bool { return a.status == http.StatusServiceUnavailable })
}

type disturbed struct {
	t   *testing.T
	ctx context.Context
	n   *node
	w   *warden
}

// set disturbs the node and posts until the answer is as it must be.
func (d *disturbed) set(what Disturbance, good func(answer, time.Duration) bool) {
	d.t.Helper()
	if err := what.write(d.n.control()); err != nil {
		d.t.Fatal(err)
	}
	var a answer
	var took time.Duration
	err := poll(d.ctx, 50*time.Millisecond, func() (err error) {
		began := time.Now()
		a, err = d.n.call(d.ctx, request{
			method: http.MethodPost, path: "/rooms/" + d.w.marks + "/messages", token: d.w.token, body: map[string]string{"body": "x"},
		})
		if took = time.Since(began); err == nil && !good(a, took) {
			err = errors.New("not as it must be")
		}
		return err
	})
	if err != nil {
		d.t.Fatalf("under %+v a post was answered, at last, with %d %s after %s: %v", what, a.status, a.body, took, err)
	}
}

// ahead is how far the time of a message is ahead of ours.
func (d *disturbed) ahead(a answer) time.Duration {
	var m struct{ At time.Time }
	if json.Unmarshal(a.body, &m) != nil {
		return 0
	}
	return time.Until(m.At)
}
