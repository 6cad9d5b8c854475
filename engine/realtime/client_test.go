package realtime

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// TestGoClient: every call of the Go client, in both formats, has its typed
// result and its event, and every refusal its code.
func TestGoClient(t *testing.T) {
	formats(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann, bob := n.register("ann"), n.register("bob")
		lobby := n.room("lobby", ann)
		a, b := n.dial(ann, f, ""), n.dial(bob, f, "")
		ctx := testContext(t)
		room, err := b.Join(ctx, "lobby")
		if err != nil || room.ID != lobby.String() || room.Role != "member" || room.Members != 2 {
			t.Fatalf("%v %+v", err, room)
		}
		p, err := a.Post(ctx, client.Post{Room: "lobby", Body: "hi @bob"})
		if err != nil || p.At.IsZero() || p.Position != n.engine.Position().String() {
			t.Fatalf("%v %+v", err, p)
		}
		var m client.Message
		b.next(t, client.TypeMessage, 1).decode(t, &m)
		if m.ID != p.ID || !m.At.Equal(p.At) || !reflect.DeepEqual(m.Mentions, []string{bob.ID.String()}) {
			t.Fatalf("%+v", m)
		}
		clientChanges(ctx, t, a, b, p.ID)
		clientSignals(ctx, t, a, b, p.ID, bob.ID.String())
		clientRefusals(ctx, t, a)
		if _, err := b.Leave(ctx, "lobby"); err != nil {
			t.Fatal(err)
		}
		a.next(t, client.TypeMemberLeft, 1)
	})
}

func clientChanges(ctx context.Context, t *testing.T, a, b *seen, id string) {
	t.Helper()
	if _, err := a.Edit(ctx, id, "better"); err != nil {
		t.Fatal(err)
	}
	var m client.Message
	b.next(t, client.TypeMessageEdited, 1).decode(t, &m)
	if m.ID != id || m.Body != "better" || m.EditedAt.IsZero() {
		t.Fatalf("%+v", m)
	}
	if _, err := b.React(ctx, id, "👍", false); err != nil {
		t.Fatal(err)
	}
	page, err := b.History(ctx, "lobby", client.Range{Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].Body != "better" || page.Prev != "" || page.Next != "" ||
		!reflect.DeepEqual(page.Items[0].Reactions, []client.Reacted{{Emoji: "👍", Count: 1, Me: true}}) {
		t.Fatalf("%v %+v", err, page)
	}
	p, err := a.Post(ctx, client.Post{Room: "lobby", Body: "oops", ReplyTo: id})
	if err != nil {
		t.Fatal(err)
	}
	if page, err = b.History(ctx, "lobby", client.Range{Before: p.ID}); err != nil || len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("%v %+v", err, page)
	}
	if _, err := a.Delete(ctx, p.ID); err != nil {
		t.Fatal(err)
	}
	b.next(t, client.TypeMessageDeleted, 1)
}

func clientSignals(ctx context.Context, t *testing.T, a, b *seen, id, bob string) {
	t.Helper()
	if _, err := b.Read(ctx, "lobby", id); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Typing(ctx, "lobby"), b.Presence(ctx, "away"), b.Signal(ctx, "lobby", "ring", map[string]any{"loud": true})); err != nil {
		t.Fatal(err)
	}
	var typing client.Typing
	a.next(t, client.TypeTyping, 1).decode(t, &typing)
	var s client.Signal
	a.next(t, client.TypeSignal, 1).decode(t, &s)
	if typing.User != bob || s.User != bob || s.Name != "ring" || !reflect.DeepEqual(s.Data, map[string]any{"loud": true}) {
		t.Fatalf("%+v %+v", typing, s)
	}
	if d, err := a.Ping(ctx); err != nil || d <= 0 {
		t.Fatalf("%v %v", d, err)
	}
}

func clientRefusals(ctx context.Context, t *testing.T, a *seen) {
	t.Helper()
	_, err := a.Post(ctx, client.Post{Room: "lobby", Body: strings.Repeat("x", 20_000)})
	if !errors.Is(err, &client.Error{Code: "too_large"}) {
		t.Errorf("too large: %v", err)
	}
	_, err = a.Join(ctx, "nowhere")
	if !errors.Is(err, &client.Error{Code: "not_found"}) {
		t.Errorf("nowhere: %v", err)
	}
	_, err = a.History(ctx, "lobby", client.Range{Limit: 201})
	var e *client.Error
	if !errors.As(err, &e) || e.Code != "invalid_field" || e.Fields[0].Field != "limit" {
		t.Errorf("limit: %v", err)
	}
}

// TestGoClientEnds: a client comes back where the contract says so, with its
// cursor, and gives up where it says that (I5).
func TestGoClientEnds(t *testing.T) {
	formats(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		room := n.room("lobby", ann)
		if _, err := n.tryDial(account{token: "nonsense"}, f, ""); closeCode(err) != int(engine.CloseUnauthorized) ||
			!errors.Is(err, &client.Error{Code: "unauthorized"}) {
			t.Fatalf("a bad token: %v", err)
		}
		c := n.dial(ann, f, "")
		n.post(ann, room, "before")
		n.restart() // closes with 1001
		var again client.Ready
		c.next(t, client.TypeReady, 2).decode(t, &again)
		if !again.Resumed {
			t.Fatalf("%+v", again)
		}
		n.post(ann, room, "after")
		c.next(t, client.TypeMessage, 2)
		if _, err := n.engine.Logout(testContext(t), ann.who); err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if err := c.Err(); closeCode(err) != int(engine.CloseReplaced) {
			t.Fatalf("logged out: %v", err)
		}
		if _, err := c.Ping(testContext(t)); closeCode(err) != int(engine.CloseReplaced) {
			t.Fatalf("a call after the end: %v", err)
		}
	})
}

func closeCode(err error) int {
	var e *client.CloseError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}
