package cli

import (
	"fmt"
	"net/http"
	"net/url"
)

// staleAct is a write that a room's writer may do next.
type staleAct struct {
	what string
	call staleCall
	then func(staleAnswer) // keeps the ledger
}

func (r *staleRoom) act(p int, what, method, path string, body any, then func(staleAnswer)) staleAct {
	return staleAct{
		what: fmt.Sprintf("%s: %s", stalePeople[p], what), then: then,
		call: staleCall{method: method, path: "/rooms/" + r.id + path, token: r.people[p].token, body: body},
	}
}

// choose picks a write that is possible now.
func (r *staleRoom) choose() staleAct {
	target := r.target()
	switch n := r.rng.IntN(100); {
	case n < 12 && target != nil:
		return r.edit(target)
	case n < 17 && target != nil:
		return r.erase(target)
	case n < 33 && target != nil:
		return r.react(target)
	case n < 43:
		return r.come()
	case n < 51 && r.number%4 < 2:
		return r.close(!r.ledger.private)
	case n < 56:
		return r.rename()
	case n < 60:
		return r.retitle()
	case n < 67:
		return r.mark()
	}
	return r.post()
}

// target is a message to be changed: often the one that views are of; nil: it is deleted.
func (r *staleRoom) target() *staleMessage {
	m := r.ledger.messages[max(0, len(r.ledger.messages)-1-r.rng.IntN(60))]
	if c := r.chapter; c != nil && r.rng.IntN(2) == 0 {
		m = r.ledger.messages[max(0, len(r.ledger.messages)-10-r.rng.IntN(staleChapterLen))]
	}
	if m.deleted {
		return nil
	}
	return m
}

func (r *staleRoom) post() staleAct {
	p := [...]int{staleHost, staleHost, stalePlain, staleReactor, staleMarker}[r.rng.IntN(5)]
	m := &staleMessage{author: p, body: fmt.Sprintf("<word> & %d", r.rng.IntN(1e6))}
	body := map[string]string{}
	switch r.rng.IntN(8) {
	case 0:
		m.body += " for @" + r.people[staleMarker].name
	case 1:
		m.body += " for @all"
	case 2:
		body["nonce"] = fmt.Sprint("nonce-", len(r.ledger.messages))
	case 3, 4:
		if len(r.ledger.messages) > 0 {
			m.parent = r.ledger.back(10).id
			body["reply_to"] = m.parent
		}
	}
	body["body"] = m.body
	return r.act(p, fmt.Sprintf("posts %q, reply to %q", m.body, m.parent), http.MethodPost, "/messages", body, func(a staleAnswer) {
		m.id = staleID(r.x, a)
		r.ledger.messages = append(r.ledger.messages, m)
	})
}

func (r *staleRoom) edit(m *staleMessage) staleAct {
	body := fmt.Sprintf("edited %d", r.rng.IntN(1e6))
	return r.act(m.author, fmt.Sprintf("edits %s to %q", m.id, body), http.MethodPatch, "/messages/"+m.id,
		map[string]string{"body": body}, func(staleAnswer) { m.body = body })
}

func (r *staleRoom) erase(m *staleMessage) staleAct {
	p := [...]int{m.author, staleHost}[r.rng.IntN(2)]
	return r.act(p, "deletes "+m.id, http.MethodDelete, "/messages/"+m.id, nil, func(staleAnswer) { m.deleted = true })
}

// react adds a reaction or takes it back. Not the plain member's: what he sees
// is to be what those see who come and go.
func (r *staleRoom) react(m *staleMessage) staleAct {
	p := [...]int{staleReactor, staleReactor, staleMarker, staleHost}[r.rng.IntN(4)]
	emoji := [...]string{"👍", "🎉"}[r.rng.IntN(2)]
	method, what := http.MethodPut, "reacts to "
	if m.reactions[emoji][p] {
		method, what = http.MethodDelete, "unreacts to "
	}
	return r.act(p, what+m.id+" with "+emoji, method, "/messages/"+m.id+"/reactions/"+url.PathEscape(emoji), nil,
		func(staleAnswer) { m.react(emoji, p, method == http.MethodPut) })
}

// come has the goer come, go or rise.
func (r *staleRoom) come() staleAct {
	role := r.ledger.roles[staleGoer]
	switch {
	case role == "" && !r.ledger.private && r.rng.IntN(2) == 0:
		return r.act(staleGoer, "joins", http.MethodPost, "/join", nil, func(staleAnswer) { r.ledger.admit(staleGoer, "member") })
	case role == "":
		return r.admit(staleGoer, "member")
	case role == "member" && r.rng.IntN(3) == 0:
		return r.admit(staleGoer, "moderator")
	case r.rng.IntN(2) == 0:
		return r.act(staleGoer, "leaves", http.MethodPost, "/leave", nil, func(staleAnswer) { r.ledger.admit(staleGoer, "") })
	}
	return r.throwOut()
}

func (r *staleRoom) throwOut() staleAct {
	return r.act(staleHost, "removes the goer", http.MethodDelete, "/members/"+r.people[staleGoer].id, nil,
		func(staleAnswer) { r.ledger.admit(staleGoer, "") })
}

func (r *staleRoom) admit(p int, role string) staleAct {
	return r.act(staleHost, fmt.Sprintf("makes %s a %s", stalePeople[p], role), http.MethodPut, "/members/"+r.people[p].id,
		map[string]string{"role": role}, func(staleAnswer) { r.ledger.admit(p, role) })
}

func (r *staleRoom) close(private bool) staleAct {
	return r.act(staleHost, fmt.Sprintf("sets private to %v", private), http.MethodPatch, "", map[string]bool{"private": private},
		func(staleAnswer) { r.ledger.private = private })
}

func (r *staleRoom) rename() staleAct {
	name := r.names[0]
	if r.ledger.name == name {
		name = r.names[1]
	}
	return r.act(staleHost, "renames it "+name, http.MethodPatch, "", map[string]string{"name": name}, func(staleAnswer) { r.ledger.name = name })
}

func (r *staleRoom) retitle() staleAct {
	topic := fmt.Sprintf("topic %d", r.rng.IntN(1e6))
	return r.act(staleHost, "gives it "+topic, http.MethodPatch, "", map[string]string{"topic": topic}, func(staleAnswer) { r.ledger.topic = topic })
}

func (r *staleRoom) mark() staleAct {
	return r.markUpTo(r.ledger.back(1 + r.rng.IntN(5)))
}

func (r *staleRoom) markUpTo(m *staleMessage) staleAct {
	return r.act(staleMarker, "has read "+m.id, http.MethodPut, "/read", map[string]string{"id": m.id},
		func(staleAnswer) { r.ledger.mark(staleMarker, m.id) })
}
