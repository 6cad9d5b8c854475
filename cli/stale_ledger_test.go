package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// staleLedger is what a room's writer knows of it, from the writes alone.
type staleLedger struct {
	messages    []*staleMessage
	name, topic string
	private     bool
	roles       [staleHost + 1]string // "" for those who are not members
	read        [staleHost + 1]string // up to which message
}

type staleMessage struct {
	id, body, parent string
	author           int
	deleted          bool
	reactions        map[string]map[int]bool
}

func (m *staleMessage) react(emoji string, p int, on bool) {
	if m.reactions == nil {
		m.reactions = map[string]map[int]bool{}
	}
	if m.reactions[emoji] == nil {
		m.reactions[emoji] = map[int]bool{}
	}
	if m.reactions[emoji][p] = on; !on {
		delete(m.reactions[emoji], p)
	}
}

// back returns the message so many before the end, or the first.
func (l *staleLedger) back(n int) *staleMessage { return l.messages[max(0, len(l.messages)-n)] }

// admit gives a role. Who comes in has read all that is there.
func (l *staleLedger) admit(p int, role string) {
	if l.roles[p] == "" && len(l.messages) > 0 {
		l.mark(p, l.back(1).id)
	}
	l.roles[p] = role
}

// mark moves a marker; never back.
func (l *staleLedger) mark(p int, id string) { l.read[p] = max(l.read[p], id) }

// check holds what has just been recorded to the ledger.
func (l *staleLedger) check(c *staleChapter, r *staleRoom) error {
	for p, v := range c.shown {
		if err := l.checkRoom(p, v.last()); err != nil {
			return fmt.Errorf("%s for %s: %w: %s", v.path, v.who, err, v.last().body)
		}
	}
	for _, v := range c.views {
		if !strings.HasSuffix(v.path, "?limit=200") {
			continue
		}
		for _, p := range []int{stalePlain, staleReactor} {
			if v.token != r.people[p].token {
				continue
			}
			if err := l.checkPage(p, v.last()); err != nil {
				return fmt.Errorf("%s for %s: %w: %s", v.path, v.who, err, v.last().body)
			}
		}
	}
	return nil
}

func (l *staleLedger) checkRoom(p int, a *staleAnswer) error {
	if l.private && l.roles[p] == "" {
		if a.status != http.StatusNotFound {
			return fmt.Errorf("a stranger sees a private room: %d", a.status)
		}
		return nil
	}
	var got struct {
		Name, Topic, Role string
		Private           bool
		Members, Unread   int
		Last              struct{ ID string }
		LastRead          string `json:"last_read"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusOK {
		return fmt.Errorf("status %d: %w", a.status, err)
	}
	want := got
	want.Name, want.Topic, want.Private, want.Role, want.Last.ID = l.name, l.topic, l.private, l.roles[p], l.back(1).id
	want.Members, want.Unread, want.LastRead = 0, 0, ""
	for _, role := range l.roles {
		if role != "" {
			want.Members++
		}
	}
	if want.Role != "" {
		want.Unread, want.LastRead = l.unread(p), l.read[p]
	}
	if got != want {
		return fmt.Errorf("shows %+v, but it is %+v", got, want)
	}
	return nil
}

// unread counts messages of others after the marker.
func (l *staleLedger) unread(p int) (n int) {
	for _, m := range l.messages {
		if m.id > l.read[p] && m.author != p && !m.deleted {
			n++
		}
	}
	return min(n, 100)
}

// checkPage holds a room's newest 200 messages to the ledger.
func (l *staleLedger) checkPage(p int, a *staleAnswer) error {
	var page struct {
		Items []struct {
			ID, Body  string
			ReplyTo   string `json:"reply_to"`
			Deleted   bool
			Reactions []staleReaction
		}
		Prev, Next *string
	}
	if err := json.Unmarshal(a.body, &page); err != nil || a.status != http.StatusOK {
		return fmt.Errorf("status %d: %w", a.status, err)
	}
	want := l.messages[max(0, len(l.messages)-200):]
	if len(page.Items) != len(want) || page.Next != nil || (page.Prev != nil) != (len(l.messages) > 200) {
		return fmt.Errorf("%d messages of %d, prev %v, next %v", len(page.Items), len(l.messages), page.Prev, page.Next)
	}
	for i, m := range want {
		got := &page.Items[i]
		body := m.body
		if m.deleted {
			body = ""
		}
		if got.ID != m.id || got.Body != body || got.ReplyTo != m.parent || got.Deleted != m.deleted {
			return fmt.Errorf("shows %+v, but it is %+v", got, m)
		}
		for _, r := range got.Reactions {
			if by := m.reactions[r.Emoji]; m.deleted || r.Count != len(by) || r.Me != by[p] {
				return fmt.Errorf("shows %+v, but it is %+v", got, m)
			}
		}
		if !m.deleted && len(got.Reactions) != m.emojis() {
			return fmt.Errorf("shows %+v, but it is %+v", got, m)
		}
	}
	return nil
}

func (m *staleMessage) emojis() (n int) {
	for _, by := range m.reactions {
		if len(by) > 0 {
			n++
		}
	}
	return n
}
