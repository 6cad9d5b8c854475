package nemesis

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// presencePatience is how long presence may take to be right again.
const presencePatience = 20 * time.Second

// seen looks who is online in a room until every node shows who ought to be, or patience ends.
func (w *warden) seen(ctx context.Context, f *fleet, room string, want []string) []Seen {
	ctx, cancel := context.WithTimeout(ctx, presencePatience)
	defer cancel()
	began := w.rec.now()
	out := make([]Seen, len(f.nodes)) // a node that never answers shows nobody, and is Unanswered
	_ = f.each(func(n *node) error {
		s := &out[n.index]
		*s = Seen{Node: n.index, Room: room, Want: want}
		return poll(ctx, 200*time.Millisecond, func() error {
			online, err := w.online(ctx, n, room)
			if err != nil {
				return err // what was seen before stands
			}
			s.Online, s.After = online, w.rec.now()-began
			if !same(online, want) {
				return fmt.Errorf("%d online of %d", len(online), len(want))
			}
			return nil
		})
	})
	return out
}

func same(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// member is what counts of a room's member.
type member struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

func (w *warden) online(ctx context.Context, n *node, room string) (ids []string, err error) {
	var list struct{ Items []member }
	r := roomRequest(http.MethodGet, room, "/members?limit=200", nil)
	r.token = w.token
	if _, err := n.must(ctx, r, &list); err != nil {
		return nil, err
	}
	for _, m := range list.Items {
		if m.Status != "" && m.Status != "offline" {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}

// answers asks a node for everything that it shows.
func (w *warden) answers(ctx context.Context, n *node, users []*user) (*NodeAnswers, error) {
	a := &NodeAnswers{
		Node: n.index, Rooms: map[string][]Message{}, Documents: map[string]string{},
		Members: map[string]string{}, Marks: map[string]string{},
	}
	collect := func(path, token, who string, each func(json.RawMessage) error) error {
		return listAll(ctx, n, path, token, func(page int, body []byte, items []json.RawMessage) error {
			a.Documents[fmt.Sprintf("%s as %s, page %d", path, who, page)] = string(body)
			for _, item := range items {
				if err := each(item); err != nil {
					return err
				}
			}
			return nil
		})
	}
	nothing := func(json.RawMessage) error { return nil }
	if err := collect("/rooms?filter=public", w.token, w.name, nothing); err != nil {
		return nil, err
	}
	for _, room := range w.all {
		if err := collect("/rooms/"+room+"/members", w.token, w.name, a.member(room)); err != nil {
			return nil, err
		}
		if err := w.history(ctx, n, room, a); err != nil {
			return nil, err
		}
	}
	for _, u := range users {
		if err := collect("/rooms?filter=joined", u.token, u.name, a.marked(u.id)); err != nil {
			return nil, err
		}
		body, err := n.must(ctx, request{method: http.MethodGet, path: "/users/" + u.id, token: w.token}, nil)
		if err != nil {
			return nil, err
		}
		a.Documents["/users/"+u.id] = string(body.body)
	}
	return a, nil
}

func (a *NodeAnswers) member(room string) func(json.RawMessage) error {
	return func(item json.RawMessage) error {
		var m member
		if err := json.Unmarshal(item, &m); err != nil {
			return err
		}
		a.Members[room+"/"+m.ID] = on
		return nil
	}
}

func (a *NodeAnswers) marked(user string) func(json.RawMessage) error {
	return func(item json.RawMessage) error {
		var r struct {
			ID       string `json:"id"`
			LastRead string `json:"last_read"`
		}
		if err := json.Unmarshal(item, &r); err != nil {
			return err
		}
		a.Marks[r.ID+"/"+user] = r.LastRead
		return nil
	}
}

// listAll reads a list to its end.
func listAll(ctx context.Context, n *node, path, token string, each func(page int, body []byte, items []json.RawMessage) error) error {
	query := "?"
	if strings.Contains(path, "?") {
		query = "&"
	}
	after := ""
	for page := 0; ; page++ {
		var list struct {
			Items []json.RawMessage
			Next  *string
		}
		a, err := n.must(ctx, request{method: http.MethodGet, path: path + query + "limit=200" + after, token: token}, &list)
		if err != nil {
			return err
		}
		if err := each(page, a.body, list.Items); err != nil {
			return err
		}
		if list.Next == nil || *list.Next == "" {
			return nil
		}
		after = "&after=" + url.QueryEscape(*list.Next)
	}
}

// history reads a room from its newest page to its first.
func (w *warden) history(ctx context.Context, n *node, room string, into *NodeAnswers) error {
	var pages [][]Message
	for before := ""; ; {
		var page struct {
			Items []json.RawMessage
			Prev  *string
		}
		r := roomRequest(http.MethodGet, room, "/messages?limit=200"+before, nil)
		r.token = w.token
		if _, err := n.must(ctx, r, &page); err != nil {
			return err
		}
		list := make([]Message, 0, len(page.Items))
		for _, raw := range page.Items {
			m, err := readMessage(raw)
			if err != nil {
				return err
			}
			list = append(list, m)
		}
		pages = append(pages, list)
		if page.Prev == nil || *page.Prev == "" {
			break
		}
		before = "&before=" + *page.Prev
	}
	slices.Reverse(pages)
	into.Rooms[room] = slices.Concat(pages...)
	return nil
}

func readMessage(raw json.RawMessage) (Message, error) {
	var m struct {
		ID, User, Nonce, Body string
		Deleted               bool
		Reactions             []struct {
			Emoji string
			Count int
		}
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return Message{}, err
	}
	out := Message{ID: m.ID, User: m.User, Nonce: m.Nonce, Body: m.Body, Deleted: m.Deleted, Raw: hash(string(raw))}
	for _, r := range m.Reactions {
		if out.Reactions == nil {
			out.Reactions = map[string]int{}
		}
		out.Reactions[r.Emoji] = r.Count
	}
	return out, nil
}
