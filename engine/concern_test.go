package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

type posted struct {
	m   engine.Message
	r   engine.Receipt
	err error
}

func (n *node) postAsync(who *engine.Identity, m engine.NewMessage) chan posted {
	done := make(chan posted, 1)
	n.PostAsync(who, m, func(m engine.Message, r engine.Receipt, err error) { done <- posted{m, r, err} })
	return done
}

// I1: peers are given an event before anybody else sees it here and after it is
// durable; everybody here sees it before its concern holds; the poster hears last.
func TestI1AnswersWaitForTheConcern(t *testing.T) {
	n, p, ann, room := held(t)
	c := n.connect(ann, "")
	seen, durable := false, false
	p.set(func() {
		p.published = nil
		p.onPublish = func() {
			for _, v := range c.all() {
				seen = seen || v.Type == "message"
			}
			last, err := n.store.Last(room)
			durable = err == nil && !last.IsZero()
		}
	})
	before := p.count()
	done := n.postAsync(ann, engine.NewMessage{Room: room, Body: "hello"})
	c.await("echo", func(v notice) bool { return v.Type == "message" && v.Body == "hello" })
	p.awaited(before + 1)
	if seen || !durable {
		t.Errorf("when the peers were given it: seen %v, stored %v", seen, durable)
	}
	select {
	case a := <-done:
		t.Fatalf("answered before the concern held: %+v", a)
	default:
	}
	p.answer(engine.DurableMajority, nil)
	a := <-done
	own := n.store.Origin()
	if a.err != nil || a.r.Durability != engine.DurableMajority || a.r.Seq(own) != p.seqs[len(p.seqs)-1] {
		t.Errorf("the answer is %+v; awaited %v", a, p.seqs)
	}
	if len(p.published) != 1 || p.published[0].ID() != a.m.ID || p.published[0].Seq != a.r.Seq(own) {
		t.Errorf("published %v", p.published)
	}
}

// I1: whatever a level is, and whatever fails, the answer says so; an error leaves
// the message, and a repeat of the nonce waits for the same message's concern (I7).
func TestI1LevelsAndFailures(t *testing.T) {
	n, p, ann, room := held(t)
	post := engine.NewMessage{Room: room, Body: "once", Nonce: "n"}
	var first engine.ID
	for i, c := range []struct {
		level engine.Durability
		err   error
	}{{"", errors.New("no peer answered in time")}, {engine.DurableLocal, nil}, {engine.DurableOne, nil}} {
		before := p.count()
		done := n.postAsync(ann, post)
		p.awaited(before + 1)
		select {
		case a := <-done:
			t.Fatalf("round %d was answered before its concern: %+v", i, a)
		default:
		}
		p.answer(c.level, c.err)
		a := <-done
		if c.err != nil {
			if !errors.Is(a.err, engine.ErrUnavailable) || a.r.Durability != "" {
				t.Errorf("round %d: %+v", i, a)
			}
			page, err := n.History(ann, room, engine.Range{Limit: 10})
			if err != nil || len(page.Items) != 1 {
				t.Fatalf("the message is not there: %v, %v", page, err)
			}
			first = page.Items[0].ID
			continue
		}
		if a.err != nil || a.m.ID != first || a.r.Durability != c.level || !n.Position().Equal(a.r.Position) {
			t.Errorf("round %d: %+v is not %s", i, a, first)
		}
	}
}

// I1: one question to the peers answers all writers of a batch, and who is
// refused waits for nobody.
func TestI1OneQuestionForABatch(t *testing.T) {
	p := newPeers()
	n, store := openSly(t, p.with)
	ann := n.user("ann")
	room := n.room("general", ann)
	begun, stall := make(chan struct{}), make(chan struct{})
	store.begin = func() { begun <- struct{}{}; <-stall }
	p.set(func() { p.level = "" })
	before := p.count()
	waiting := []chan posted{n.postAsync(ann, engine.NewMessage{Room: room, Body: "ahead"})}
	<-begun // the rest waits behind it
	for i := range 20 {
		waiting = append(waiting, n.postAsync(ann, engine.NewMessage{Room: room, Body: fmt.Sprint(i)}))
	}
	queued := n.Stats().QueuedBytes
	refused := make(chan error, 1)
	go func() {
		_, _, err := n.CreateRoom(bg, ann, engine.NewRoom{Name: "general"})
		refused <- err
	}()
	eventually(t, "room in the queue", func() bool { return n.Stats().QueuedBytes > queued })
	stall <- struct{}{}
	<-begun
	stall <- struct{}{}
	if err := <-refused; !errors.Is(err, &engine.Error{Code: engine.CodeConflict}) {
		t.Errorf("the taken name: %v", err)
	}
	p.awaited(before + 2)
	p.answer(engine.DurableOne, nil)
	for _, done := range waiting {
		if a := <-done; a.err != nil || a.r.Durability != engine.DurableOne {
			t.Errorf("%+v", a)
		}
	}
	if got := p.count() - before; got != 2 || !slices.IsSorted(p.seqs) {
		t.Errorf("%d questions for two batches: %v", got, p.seqs)
	}
}

// I1: where no write can reach its concern none is begun; what peers have written
// is taken all the same, and asks nobody.
func TestI1NothingIsBegunInVain(t *testing.T) {
	n, p, ann, room := held(t)
	p.set(func() { p.refusal = errors.New("no majority") })
	before, asked := n.Position(), p.count()
	if _, _, err := n.Post(bg, ann, engine.NewMessage{Room: room, Body: "x"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("post: %v", err)
	}
	if _, err := n.Leave(bg, ann, room); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("leave: %v", err)
	}
	if !n.Position().Equal(before) {
		t.Error("something was written")
	}
	other := openNode(t)
	other.user("bob")
	p.set(func() { p.published = nil })
	if hand(t, other, n) == 0 || !n.Position().Covers(other.Position()) {
		t.Error("a peer's events were not taken")
	}
	if p.count() != asked || len(p.published) != 0 {
		t.Errorf("%d questions and %d events for what is another's", p.count()-asked, len(p.published))
	}
}

// I1: who asks for what is so already waits for what made it so.
func TestI1WhatIsSoAlreadyWaitsToo(t *testing.T) {
	n, p, ann, room := held(t)
	for name, ask := range map[string]func() (engine.Receipt, error){
		"join": func() (engine.Receipt, error) {
			_, r, err := n.Join(bg, ann, room)
			return r, err
		},
		"rename": func() (engine.Receipt, error) {
			_, r, err := n.UpdateRoom(bg, ann, room, engine.RoomChange{})
			return r, err
		},
		"profile": func() (engine.Receipt, error) {
			_, _, r, err := n.UpdateMe(bg, ann, engine.ProfileChange{})
			return r, err
		},
		"role": func() (engine.Receipt, error) { return n.SetMember(bg, ann, room, ann.User, engine.RoleOwner) },
	} {
		before := p.count()
		answered := make(chan posted, 1)
		go func() {
			r, err := ask()
			answered <- posted{r: r, err: err}
		}()
		p.awaited(before + 1)
		p.answer(engine.DurableOne, nil)
		if a := <-answered; a.err != nil || a.r.Durability != engine.DurableOne || !a.r.Covers(n.Position()) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// I1: closing does not answer who waits for peers; these do, whenever they do.
func TestI1CloseWhileWaiting(t *testing.T) {
	n, p, ann, room := held(t)
	before := p.count()
	done := n.postAsync(ann, engine.NewMessage{Room: room, Body: "x"})
	p.awaited(before + 1)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-done:
		t.Fatalf("answered by closing: %+v", a)
	default:
	}
	p.answer("", errors.New("the node has left"))
	if a := <-done; !errors.Is(a.err, engine.ErrUnavailable) {
		t.Errorf("%+v", a)
	}
}

func TestReadyIsWhenPeersSaySo(t *testing.T) {
	p := newPeers()
	p.unready = true
	n := openNode(t, p.with)
	if n.Ready() {
		t.Error("ready before it has caught up")
	}
	p.set(func() { p.unready = false })
	if !n.Ready() {
		t.Error("not ready, though it has caught up")
	}
}
