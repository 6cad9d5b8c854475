package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// follow reads pages from one place until the link ends, and returns the ids in reading order of pages.
func (c caller) follow(list, query, link string, limit int) (pages [][]string) {
	c.t.Helper()
	for {
		var p page
		c.do("GET", fmt.Sprintf("%s?limit=%d%s", list, limit, query), nil).want(200).into(&p)
		var ids []string
		for _, m := range p.Items {
			ids = append(ids, m.ID.String())
		}
		pages = append(pages, ids)
		next := map[string]*string{"before": p.Prev, "after": p.Next}[link]
		if next == nil {
			return pages
		}
		if len(ids) != limit {
			c.t.Fatalf("a page of %d items that is not the last, with limit %d", len(ids), limit)
		}
		query = "&" + link + "=" + *next
	}
}

// TestPagesAreComplete reads a room and a thread forwards, backwards and from
// every message on, with every size of page: each message once, in order.
func TestPagesAreComplete(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	room := ann.room("garden", false).ID.String()
	messages := "/rooms/" + room + "/messages"
	parent := ann.post(room, "parent").ID.String()
	all, replies := []string{parent}, []string(nil)
	for i := range 12 {
		body := map[string]any{"body": fmt.Sprint(i)}
		if i%2 == 0 {
			body["reply_to"] = parent
		}
		var m engine.Message
		ann.do("POST", messages, body).want(201).into(&m)
		all = append(all, m.ID.String())
		if i%2 == 0 {
			replies = append(replies, m.ID.String())
		}
	}
	ann.do("DELETE", messages+"/"+all[5], nil).want(204) // stays as a deleted one
	for list, want := range map[string][]string{messages: all, messages + "/" + parent + "/replies": replies} {
		for limit := 1; limit <= len(want)+1; limit++ {
			forwards := slices.Concat(ann.follow(list, "&after=00000000000000000000000000", "after", limit)...)
			if !slices.Equal(forwards, want) {
				t.Errorf("%s forwards by %d: %v", list, limit, forwards)
			}
			backwards := ann.follow(list, "", "before", limit)
			slices.Reverse(backwards)
			if got := slices.Concat(backwards...); !slices.Equal(got, want) {
				t.Errorf("%s backwards by %d: %v", list, limit, got)
			}
			for _, id := range want {
				ann.around(list, id, limit, want)
			}
		}
	}
}

// around reads the page around a message, then on to both ends.
func (c caller) around(list, id string, limit int, want []string) {
	c.t.Helper()
	var p page
	c.do("GET", fmt.Sprintf("%s?limit=%d&around=%s", list, limit, id), nil).want(200).into(&p)
	var got []string
	if p.Prev != nil {
		pages := c.follow(list, "&before="+*p.Prev, "before", limit)
		slices.Reverse(pages)
		got = slices.Concat(pages...)
	}
	found := false
	for _, m := range p.Items {
		got = append(got, m.ID.String())
		found = found || m.ID.String() == id
	}
	if p.Next != nil {
		got = slices.Concat(append([][]string{got}, c.follow(list, "&after="+*p.Next, "after", limit)...)...)
	}
	if !found || !slices.Equal(got, want) {
		c.t.Errorf("%s around %s by %d (found: %v): %v", list, id, limit, found, got)
	}
}

func TestPagesBeyondTheEnd(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	room := ann.room("garden", false).ID.String()
	messages := "/rooms/" + room + "/messages"
	const first, last = "00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
	for _, filled := range []bool{false, true} {
		if filled {
			ann.post(room, "one")
		}
		for _, query := range []string{"?before=" + first, "?after=" + last} {
			var p page
			a := ann.do("GET", messages+query, nil).want(200)
			a.into(&p)
			if p.Items == nil || len(p.Items) != 0 {
				t.Errorf("want no items, and not null: %s", a)
			}
		}
	}
	for _, path := range []string{"/rooms?after=" + last, "/rooms/" + room + "/members?after=" + last} {
		if a := ann.do("GET", path, nil).want(200); string(a.body) != `{"items":[],"next":null}`+"\n" {
			t.Errorf("want an empty list: %s", a)
		}
	}
}

func TestRoomListsAreComplete(t *testing.T) {
	n := newNode(t, nil)
	ann, bob := n.user(t, "ann"), n.user(t, "bob")
	want := map[string]bool{}
	for i := range 7 {
		want[ann.room(fmt.Sprintf("room%d", i), false).ID.String()] = true
	}
	bob.room("hidden", true)
	for _, c := range []struct {
		who    caller
		filter string
	}{{ann, "joined"}, {bob, "public"}} {
		for limit := 1; limit <= 8; limit++ {
			got := map[string]bool{}
			for after := ""; ; {
				var l roomList
				c.who.do("GET", fmt.Sprintf("/rooms?filter=%s&limit=%d&after=%s", c.filter, limit, after), nil).want(200).into(&l)
				for _, r := range l.Items {
					if got[r.ID.String()] {
						t.Fatalf("%s by %d: %s twice", c.filter, limit, r.Name)
					}
					got[r.ID.String()] = true
				}
				if l.Next == nil {
					break
				}
				after = *l.Next
			}
			if len(got) != len(want) {
				t.Errorf("%s by %d: %d rooms, want %d", c.filter, limit, len(got), len(want))
			}
		}
	}
}

// TestI5PagingDuringPosts goes on from the last id it has seen while others
// post: it sees every message once, in order.
func TestI5PagingDuringPosts(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	room := ann.room("garden", false)
	const posters, each = 4, 60
	var wg sync.WaitGroup
	var posted sync.Map
	var left atomic.Int64
	left.Store(posters)
	for p := range posters {
		wg.Go(func() {
			defer left.Add(-1)
			for i := range each {
				m, _, err := n.engine.Post(context.Background(), &engine.Identity{User: ann.user},
					engine.NewMessage{Room: room.ID, Body: fmt.Sprint(p, i)})
				if err != nil {
					t.Error(err)
					return
				}
				posted.Store(m.ID.String(), true)
			}
		})
	}
	var seen []string
	last := "00000000000000000000000000"
	for {
		over := left.Load() == 0
		var p page
		ann.do("GET", "/rooms/garden/messages?limit=7&after="+last, nil).want(http.StatusOK).into(&p)
		for _, m := range p.Items {
			last = m.ID.String()
			seen = append(seen, last)
		}
		if over && len(p.Items) == 0 {
			break
		}
	}
	wg.Wait()
	if !slices.IsSorted(seen) || len(slices.Compact(seen)) != posters*each {
		t.Fatalf("saw %d messages of %d", len(seen), posters*each)
	}
	for _, id := range seen {
		if _, ok := posted.Load(id); !ok {
			t.Errorf("%s was never posted", id)
		}
	}
}

func TestI7Nonce(t *testing.T) {
	n := newNode(t, nil)
	ann, bob := n.user(t, "ann"), n.user(t, "bob")
	ann.room("garden", false)
	ann.room("cellar", false)
	bob.do("POST", "/rooms/garden/join", nil).want(200)
	post := func(c caller, room, body string) (m engine.Message) {
		t.Helper()
		c.do("POST", "/rooms/"+room+"/messages", map[string]any{"body": body, "nonce": "n"}).want(201).into(&m)
		return m
	}
	first := post(ann, "garden", "one")
	before := n.engine.Position()
	for _, m := range []engine.Message{post(ann, "garden", "one"), post(ann, "garden", "two"), post(ann, "cellar", "three")} {
		if m.ID != first.ID || m.Body != "one" || m.Room != first.Room {
			t.Errorf("a repeat is %+v", m)
		}
	}
	if !n.engine.Position().Equal(before) {
		t.Error("a repeat was written")
	}
	if m := post(bob, "garden", "mine"); m.ID == first.ID || m.User != bob.user || m.Body != "mine" {
		t.Errorf("another user's nonce is the own: %+v", m)
	}
}
