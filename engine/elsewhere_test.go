package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// presenceModel is what presence should be: a map for each speaker.
type presenceModel struct {
	t     *testing.T
	n     *node
	p     *peers
	rng   *rand.Rand
	small engine.ID
	large engine.ID
	who   []*engine.Identity // [0] watches; the last is in no room
	watch *client
	read  int // notices of watch that have been taken

	here  map[engine.ID][]*modelSession
	there map[engine.Origin]map[engine.ID]engine.Status

	heard  map[engine.ID]engine.Status // by the watcher
	count  int                         // of the large room, as the watcher heard it
	peered map[engine.ID]engine.Status // as the peers heard it
}

type modelSession struct {
	session *engine.Session
	status  engine.Status
}

var (
	statuses = []engine.Status{engine.Online, engine.Busy, engine.Away}
	ranks    = map[engine.Status]int{engine.Online: 3, engine.Busy: 2, engine.Away: 1}
)

func most(a, b engine.Status) engine.Status {
	if ranks[b] > ranks[a] {
		return b
	}
	return a
}

func (m *presenceModel) local(user engine.ID) engine.Status {
	best := engine.Offline
	for _, s := range m.here[user] {
		best = most(best, s.status)
	}
	return best
}

func (m *presenceModel) combined(user engine.ID) engine.Status {
	best := m.local(user)
	for _, users := range m.there {
		if st, ok := users[user]; ok {
			best = most(best, st)
		}
	}
	return best
}

func (m *presenceModel) step() {
	user := m.who[1+m.rng.IntN(len(m.who)-1)]
	node := engine.Origin(1 + m.rng.IntN(3))
	status := statuses[m.rng.IntN(len(statuses))]
	sessions := m.here[user.User]
	switch m.rng.IntN(8) {
	case 0, 1:
		c := m.n.connect(user, "")
		m.here[user.User] = append(sessions, &modelSession{c.session, engine.Online})
	case 2, 3:
		if n := len(sessions); n > 0 {
			i := m.rng.IntN(n)
			sessions[i].session.Close()
			m.here[user.User] = append(sessions[:i:i], sessions[i+1:]...)
		}
	case 4:
		if n := len(sessions); n > 0 {
			s := sessions[m.rng.IntN(n)]
			if err := s.session.SetStatus(status); err != nil {
				m.t.Fatal(err)
			}
			s.status = status
		}
	case 5:
		m.peerSays(node, user.User, status)
	case 6:
		m.peerSays(node, user.User, engine.Offline)
	case 7:
		m.restart(node)
	}
}

func (m *presenceModel) peerSays(node engine.Origin, user engine.ID, status engine.Status) {
	m.n.PeerPresent(node, []engine.Presence{{User: user, Status: status}})
	if m.there[node] == nil {
		m.there[node] = map[engine.ID]engine.Status{}
	}
	if m.there[node][user] = status; status == engine.Offline {
		delete(m.there[node], user)
	}
}

// restart loses a peer, who mostly comes back with some of its users.
func (m *presenceModel) restart(node engine.Origin) {
	m.n.PeerGone(node)
	var all []engine.Presence
	for user, status := range m.there[node] {
		if m.rng.IntN(2) == 0 {
			all = append(all, engine.Presence{User: user, Status: status})
		}
	}
	delete(m.there, node)
	if m.rng.IntN(3) == 0 {
		return
	}
	for _, c := range all {
		m.peerSays(node, c.User, c.Status)
	}
}

// listen takes what the watcher and the peers have been told.
func (m *presenceModel) listen() {
	all := m.watch.all()
	for _, v := range all[m.read:] {
		switch {
		case v.Type != "presence":
		case v.Online != nil:
			m.count = *v.Online
		default:
			id, err := engine.ParseID(v.User.(string))
			if err != nil {
				m.t.Fatal(err)
			}
			m.heard[id] = engine.Status(v.Status)
		}
	}
	m.read = len(all)
	m.p.set(func() {
		for _, c := range m.p.said {
			if m.peered[c.User] = c.Status; c.Status == engine.Offline {
				delete(m.peered, c.User)
			}
		}
		m.p.said = nil
	})
}

func (m *presenceModel) check(step int) {
	m.t.Helper()
	online := 1 // the watcher
	for i, who := range m.who[1:] {
		want := m.combined(who.User)
		stranger := i == len(m.who)-2
		heard, ok := m.heard[who.User]
		switch {
		case stranger && ok:
			m.t.Fatalf("step %d: the room heard of a stranger", step)
		case !stranger && heard != want && (ok || want != engine.Offline):
			m.t.Fatalf("step %d: user %d is %q, the room heard %q", step, i, want, heard)
		}
		if !stranger && want != engine.Offline {
			online++
		}
		if local, said := m.local(who.User), m.peered[who.User]; local != said && (local != engine.Offline || said != "") {
			m.t.Fatalf("step %d: user %d is %q here, the peers heard %q", step, i, local, said)
		}
	}
	for tries := 0; m.count != online && tries < 100; tries++ { // a count may take more than one tick
		m.n.TellPresence()
		m.listen()
	}
	if m.count != online {
		m.t.Fatalf("step %d: %d are online, the large room heard %d", step, online, m.count)
	}
	members, _, err := m.n.Members(m.who[0], m.small, engine.ID{}, 50)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, mem := range members[1:] {
		if want := m.combined(mem.ID); mem.ID != m.who[0].User && mem.Status != want {
			m.t.Fatalf("step %d: the list shows %s as %q, not %q", step, mem.Username, mem.Status, want)
		}
	}
	all := map[engine.ID]engine.Status{}
	for _, c := range m.n.Presences() {
		all[c.User] = c.Status
	}
	delete(all, m.who[0].User)
	for user, status := range m.peered {
		if user != m.who[0].User && all[user] != status {
			m.t.Fatalf("step %d: a peer that comes now would hear %v, not %v", step, all, m.peered)
		}
		delete(all, user)
	}
	if len(all) > 0 {
		m.t.Fatalf("step %d: a peer that comes now would hear also of %v", step, all)
	}
}

// However sessions, statuses and peers come and go: after a tick the room, the
// lists, the counts and the peers show what is so. No zombies, nobody missing.
func TestPresenceOverNodesModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &presenceModel{
		t: t, p: newPeers(), rng: rand.New(rand.NewPCG(seed, 0)),
		here:  map[engine.ID][]*modelSession{},
		there: map[engine.Origin]map[engine.ID]engine.Status{},
		heard: map[engine.ID]engine.Status{}, peered: map[engine.ID]engine.Status{},
	}
	m.n = openNode(t, m.p.with)
	m.n.StopPresence()
	for i := range 8 {
		m.who = append(m.who, m.n.user(fmt.Sprint("user-", i)))
	}
	inside := m.who[:len(m.who)-1]
	m.small = m.n.room("small", inside...)
	m.large = m.n.room("large", inside...)
	m.n.crowd(m.large, engine.PresenceLimit)
	m.watch = m.n.connect(m.who[0], "")
	m.n.TellPresence()
	for i := range 3000 {
		m.step()
		if m.rng.IntN(4) == 0 {
			m.n.TellPresence()
			m.listen()
			m.check(i)
		}
	}
}

// crowd fills a room with users who are never there.
func (n *node) crowd(room engine.ID, count int) {
	for i := range count {
		if _, _, err := n.Join(bg, n.user(fmt.Sprint("crowd-", i)), room); err != nil {
			n.t.Fatal(err)
		}
	}
}

// What is typed and signalled is relayed, and told here when a peer relays it:
// by name in small rooms, as a count in large ones.
func TestNoticesOfPeers(t *testing.T) {
	p := newPeers()
	n := openNode(t, p.with)
	n.StopPresence()
	ann, bob, zed := n.user("ann"), n.user("bob"), n.user("zed")
	small, large := n.room("small", ann, bob), n.room("large", ann, bob)
	n.crowd(large, engine.PresenceLimit)
	a := n.connect(ann, "")
	stranger := n.connect(zed, "")
	for _, room := range []engine.ID{small, large} {
		if err := a.session.Typing(room); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.session.Signal(small, "wave", "x"); err != nil {
		t.Fatal(err)
	}
	if len(p.relayed) != 3 {
		t.Fatalf("relayed %v", p.relayed)
	}
	for i, room := range []engine.ID{small, large} {
		if v, ok := p.relayed[i].(*engine.TypingNotice); !ok || v.Room != room || v.User != ann.User || v.Count != 0 {
			t.Errorf("relayed %+v", p.relayed[i])
		}
	}
	if v, ok := p.relayed[2].(*engine.SignalNotice); !ok || v.Room != small || v.Name != "wave" || v.Data != "x" {
		t.Errorf("relayed %+v", p.relayed[2])
	}
	n.PeerNotice(&engine.TypingNotice{Type: "typing", Room: small, User: bob.User})
	a.await("typing", func(v notice) bool { return v.Type == "typing" && v.Room == small && v.User == bob.User.String() })
	n.PeerNotice(&engine.SignalNotice{Type: "signal", Room: small, User: bob.User, Name: "peer's"})
	a.await("signal", func(v notice) bool { return v.Type == "signal" && v.Name == "peer's" })
	n.PeerNotice(&engine.TypingNotice{Type: "typing", Room: large, User: bob.User})
	n.TellPresence()
	a.await("two who type", func(v notice) bool { return v.Type == "typing" && v.Room == large && v.Count == 2 && v.User == nil })
	if len(p.relayed) != 3 {
		t.Errorf("what a peer relayed was relayed again: %v", p.relayed[3:])
	}
	for _, v := range stranger.all() {
		if v.Type == "typing" || v.Type == "signal" {
			t.Errorf("one who is not in the room heard %+v", v)
		}
	}
}

// A member who joins is shown with the status that all nodes together give.
func TestJoiningShowsStatusElsewhere(t *testing.T) {
	n := openNode(t, newPeers().with)
	n.StopPresence()
	ann, bob := n.user("ann"), n.user("bob")
	room := n.room("general", ann)
	a := n.connect(ann, "")
	n.PeerPresent(5, []engine.Presence{{User: bob.User, Status: engine.Busy}})
	if _, _, err := n.Join(bg, bob, room); err != nil {
		t.Fatal(err)
	}
	a.await("bob", func(v notice) bool {
		return v.Type == "member_joined" && v.User == bob.User.String() && v.Status == "busy"
	})
}

// Who comes to a node while present on another is no news to the others there, but
// must hear how many are in the large rooms.
func TestNewcomersHearTheCount(t *testing.T) {
	n := openNode(t, newPeers().with)
	n.StopPresence()
	ann, bob := n.user("ann"), n.user("bob")
	large := n.room("large", ann, bob)
	n.crowd(large, engine.PresenceLimit)
	n.PeerPresent(5, []engine.Presence{{User: ann.User, Status: engine.Online}, {User: bob.User, Status: engine.Away}})
	n.TellPresence()
	a := n.connect(ann, "")
	for range 10 { // a count may take more than one
		n.TellPresence()
	}
	a.await("count", func(v notice) bool { return v.Online != nil && v.Room == large && *v.Online == 2 })
}
