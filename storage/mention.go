package storage

import (
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// targets are the users whom a message mentions as it is now, sorted and once
// each; the zero ID stands for the whole room. Nobody mentions himself.
func (m *message) targets() []engine.ID {
	if !m.visible() || !m.deleted.IsZero() {
		return nil
	}
	users, everyone := m.posted.Mentions, m.posted.Everyone
	if m.edited != nil {
		users, everyone = m.edited.Mentions, m.edited.Everyone
	}
	if len(users) == 0 && !everyone {
		return nil
	}
	var out []engine.ID
	for _, u := range users {
		if !u.IsZero() && u != m.author {
			out = append(out, u)
		}
	}
	if everyone {
		out = append(out, engine.ID{})
	}
	slices.SortFunc(out, engine.ID.Compare)
	return slices.Compact(out)
}

// setTargets brings the index of mentions from one set of users to another.
func (t *Tx) setTargets(m *message, before, after []engine.ID) {
	for _, u := range before {
		if !slices.Contains(after, u) {
			t.note(t.del(idKey(kindMention, u, m.room, m.id)))
		}
	}
	for _, u := range after {
		if !slices.Contains(before, u) {
			t.note(t.set(idKey(kindMention, u, m.room, m.id), slices.Clone(m.author[:])))
		}
	}
}
