package cli

import (
	"math/rand/v2"
	"sync"
)

// staleChapter is a time in which the views of a line stay the same ones. It is
// short, for it keeps the bodies of all its states.
type staleChapter struct {
	line     *staleLine
	first    int // the write whose state is the first
	recorded int // the write whose state is the last; guarded by line.mu
	views    []*staleView
	lots     []*staleView // each as often as it is to be looked at
	long     []*staleView // those that take longest to read, so that readings meet
	shown    []*staleView // of a room: itself, as each of its readers sees it
}

const (
	staleChapterLen = 24 // writes
	staleRecorders  = 4
)

// staleView is something that can be asked for, by somebody.
type staleView struct {
	chapter *staleChapter
	who     string
	token   string
	path    string
	kind    staleKind
	states  []staleAnswer // states[i] is after write chapter.first+i
	twin    *staleView    // shows the same content, and is closed to nobody; nil: none
	named   bool          // by a name, which may change hands between two reads
}

func (l *staleLine) newChapter() *staleChapter { return &staleChapter{line: l, first: l.acked} }

// add adds a view that is looked at so many times as often as the others.
func (c *staleChapter) add(often int, v *staleView) *staleView {
	v.chapter = c
	c.views = append(c.views, v)
	for range often {
		c.lots = append(c.lots, v)
	}
	return v
}

func (c *staleChapter) pick(rng *rand.Rand) *staleView { return c.lots[rng.IntN(len(c.lots))] }

// pickWatched picks the view that many look at while a write is done.
func (c *staleChapter) pickWatched(rng *rand.Rand) *staleView {
	if rng.IntN(2) == 0 && len(c.long) > 0 {
		return c.long[rng.IntN(len(c.long))]
	}
	return c.pick(rng)
}

// record reads every view past the caches: there is no write under way, so this is the one state.
func (c *staleChapter) record() bool {
	states, ok := make([]staleAnswer, len(c.views)), make([]bool, staleRecorders)
	var recorders sync.WaitGroup
	for r := range staleRecorders {
		recorders.Go(func() {
			ok[r] = true
			for i := r; i < len(c.views) && ok[r]; i += staleRecorders {
				states[i], ok[r] = c.views[i].uncached()
			}
		})
	}
	recorders.Wait()
	for r := range ok {
		if !ok[r] {
			return false
		}
	}
	c.append(states)
	return true
}

func (c *staleChapter) append(states []staleAnswer) {
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	for i, v := range c.views {
		if n := len(v.states); n > 0 && v.states[n-1].same(&states[i]) {
			states[i] = v.states[n-1] // one body for all states in which it is the same
		}
		v.states = append(v.states, states[i])
	}
	c.recorded = c.first + len(c.views[0].states) - 1
	c.line.resolve()
}

func (v *staleView) uncached() (staleAnswer, bool) {
	l := v.chapter.line
	a, err := l.x.do(staleCall{node: l.home, path: v.path, token: v.token, after: l.position, uncached: true})
	if err != nil || a.status >= 500 || a.status < 300 && a.cache != "BYPASS" {
		l.x.fail("%s: %s for %s, uncached, answers %d, %v, X-Cache %q: %s", l.name, v.path, v.who, a.status, err, a.cache, a.body)
		return a, false
	}
	return a, true
}

// at returns a state that has been recorded. Called with line.mu.
func (v *staleView) at(write int) *staleAnswer { return &v.states[write-v.chapter.first] }

// last returns the newest state.
func (v *staleView) last() *staleAnswer {
	v.chapter.line.mu.Lock()
	defer v.chapter.line.mu.Unlock()
	return v.at(v.chapter.recorded)
}

// remembered returns one of the newest states, as a client may have kept it.
func (v *staleView) remembered(rng *rand.Rand) *staleAnswer {
	v.chapter.line.mu.Lock()
	defer v.chapter.line.mu.Unlock()
	return v.at(max(v.chapter.first, v.chapter.recorded-rng.IntN(3)))
}
