package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// journal keeps what is logged.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func openTransport(t testing.TB, key Key, host string, j *journal) *transport {
	t.Helper()
	tr, err := listen(transportConfig{Bind: net.JoinHostPort(host, "0"), Key: key, Logger: j.logger(), Now: time.Now, Tunnels: defaultTunnels})
	must(t, err)
	t.Cleanup(func() { must(t, tr.Shutdown()) })
	return tr
}

func openPair(t testing.TB) (a, b *transport) {
	t.Helper()
	key := newKey(t)
	return openTransport(t, key, "127.0.0.1", &journal{}), openTransport(t, key, "127.0.0.2", &journal{})
}

func openMemberlist(t testing.TB, tr *transport, name string) *memberlist.Memberlist {
	t.Helper()
	c := memberlist.DefaultLocalConfig()
	c.Name = name
	tr.configure(c)
	m, err := memberlist.Create(c)
	must(t, err)
	t.Cleanup(func() { must(t, m.Shutdown()) })
	return m
}

func receive[T any](t testing.TB, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return got
}

// takeLink connects a to b and returns both ends.
func takeLink(t testing.TB, a, b *transport) (dialled, taken net.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dialled, err := a.dialLink(ctx, b.addr())
	must(t, err)
	taken = receive(t, b.links())
	t.Cleanup(func() { dialled.Close(); taken.Close() })
	return dialled, taken
}

func TestTransportCarriesLinks(t *testing.T) {
	a, b := openPair(t)
	dialled, taken := takeLink(t, a, b)
	exchange(t, dialled, taken)
	if from := hostOf(taken.RemoteAddr()); from != a.bound.Addr() {
		t.Errorf("dialled from %s, bound to %s", from, a.bound.Addr())
	}
}

func TestTransportCarriesGossip(t *testing.T) {
	a, b := openPair(t)
	dialled, err := a.DialAddressTimeout(memberlist.Address{Addr: b.addr(), Name: "b"}, patience)
	must(t, err)
	taken := receive(t, b.StreamCh())
	exchange(t, dialled, taken)
	must(t, dialled.Close())
	_, err = taken.Read(make([]byte, 1))
	wantErr(t, err, io.EOF)
	must(t, taken.Close())

	packet := sealPacket(t, a, []byte("a packet"))
	_, err = a.WriteToAddress(packet, memberlist.Address{Addr: b.addr(), Name: "b"})
	must(t, err)
	got := receive(t, b.PacketCh())
	if !bytes.Equal(got.Buf, packet) || got.From.String() != a.addr() {
		t.Errorf("got %d bytes from %s", len(got.Buf), got.From)
	}
}

// Names, IPv6, and a socket for both families, which sees IPv4 peers by mapped addresses.
func TestTransportOnOtherAddresses(t *testing.T) {
	for bind, advertise := range map[string]string{"localhost:0": "", "[::1]:0": "", ":0": "127.0.0.1", "0.0.0.0:0": "localhost"} {
		t.Run(bind, func(t *testing.T) {
			open := func() *transport {
				tr, err := listen(transportConfig{Bind: bind, Advertise: advertise, Logger: (&journal{}).logger(), Now: time.Now})
				if bind == "[::1]:0" && err != nil {
					t.Skip(err)
				}
				must(t, err)
				t.Cleanup(func() { must(t, tr.Shutdown()) })
				return tr
			}
			a, b := open(), open()
			dialled, taken := takeLink(t, a, b)
			exchange(t, dialled, taken)
			first, second := openMemberlist(t, a, "first"), openMemberlist(t, b, "second")
			_, err := second.Join([]string{a.addr()})
			must(t, err)
			must(t, second.Leave(patience)) // by packets
			eventually(t, "one member", func() bool { return first.NumMembers() == 1 })
			if n := a.refusals() + b.refusals(); n != 0 {
				t.Errorf("%d refusals among members", n)
			}
		})
	}
}

// sealPacket encrypts as memberlist does.
func sealPacket(t testing.TB, tr *transport, plain []byte) []byte {
	t.Helper()
	packet := append([]byte{packetVersion}, make([]byte, packetNonce)...)
	return tr.opener.Seal(packet, packet[1:], plain, nil)
}

func TestMemberlistsJoin(t *testing.T) {
	a, b := openPair(t)
	first, second := openMemberlist(t, a, "first"), openMemberlist(t, b, "second")
	n, err := second.Join([]string{a.addr()})
	must(t, err)
	if n != 1 {
		t.Fatalf("joined %d", n)
	}
	for _, m := range []*memberlist.Memberlist{first, second} {
		eventually(t, "two members", func() bool { return m.NumMembers() == 2 })
	}
	for _, member := range first.Members() {
		if want := map[string]string{"first": a.addr(), "second": b.addr()}[member.Name]; member.Address() != want {
			t.Errorf("%s is at %s, want %s", member.Name, member.Address(), want)
		}
	}
	must(t, second.SendBestEffort(first.LocalNode(), []byte("by packet")))
	// Leaving travels by packets alone.
	must(t, second.Leave(patience))
	eventually(t, "one member", func() bool { return first.NumMembers() == 1 })
	if n := a.refusals() + b.refusals(); n != 0 {
		t.Errorf("%d refusals among members", n)
	}
}

func TestI9MemberlistOfAnotherKey(t *testing.T) {
	mine, theirs := &journal{}, &journal{}
	a := openTransport(t, newKey(t), "127.0.0.1", mine)
	b := openTransport(t, newKey(t), "127.0.0.2", theirs)
	first, second := openMemberlist(t, a, "first"), openMemberlist(t, b, "second")
	for range 3 {
		_, err := second.Join([]string{a.addr()})
		if err == nil || !strings.Contains(err.Error(), "did not accept our cluster key") {
			t.Fatalf("the operator reads: %v", err)
		}
	}
	stranger := *first.LocalNode()
	must(t, second.SendBestEffort(&stranger, []byte("by packet")))
	eventually(t, "three connections and a packet refused", func() bool { return a.refusals() == 4 })
	if first.NumMembers() != 1 || second.NumMembers() != 1 {
		t.Error("they met")
	}
	log := mine.String()
	for _, reason := range []error{ErrWrongKey, errBadPacket} {
		if n := strings.Count(log, reason.Error()); n != 1 {
			t.Errorf("%q logged %d times in\n%s", reason, n, log)
		}
	}
}

func TestTransportAddressInUse(t *testing.T) {
	cfg := transportConfig{Logger: slog.New(slog.DiscardHandler), Now: time.Now}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer udp.Close()
	for _, taken := range []string{tcp.Addr().String(), udp.LocalAddr().String()} {
		cfg.Bind = taken
		_, err := listen(cfg)
		wantErr(t, err, syscall.EADDRINUSE)
		for _, want := range []string{taken, "--cluster-addr"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
	}
}

func TestTransportFindsAPortForBoth(t *testing.T) {
	for range 20 {
		tr := openTransport(t, Key{}, "127.0.0.1", &journal{})
		udp := tr.udp.LocalAddr().(*net.UDPAddr).AddrPort()
		if udp != tr.bound || udp.Port() == 0 || tr.addr() != udp.String() {
			t.Fatalf("UDP %s, TCP %s, advertised %s", udp, tr.bound, tr.addr())
		}
	}
}

func TestAdvertisedAddress(t *testing.T) {
	for _, c := range []struct{ advertise, bound, want string }{
		{"", "127.0.0.2:7946", "127.0.0.2:7946"},
		{"", "[::1]:7946", "[::1]:7946"},
		{"192.0.2.7:99", "0.0.0.0:7946", "192.0.2.7:99"},
		{"192.0.2.7:0", "0.0.0.0:7946", "192.0.2.7:7946"},
		{"192.0.2.7", "10.0.0.1:7946", "192.0.2.7:7946"},
		{"2001:db8::7", "[::]:7946", "[2001:db8::7]:7946"},
		{"[2001:db8::7]:99", "[::]:7946", "[2001:db8::7]:99"},
		{"0.0.0.0:99", "10.0.0.1:7946", "error"},
		{":99", "10.0.0.1:7946", "error"},
		{"192.0.2.7:port", "10.0.0.1:7946", "error"},
	} {
		got, err := advertisedAddress(c.advertise, c.bound, netip.MustParseAddrPort(c.bound))
		if text := got.String(); err == nil && text != c.want || err != nil && c.want != "error" {
			t.Errorf("%q on %s: %s, %v; want %s", c.advertise, c.bound, text, err, c.want)
		}
	}
}

// Bound everywhere, a node advertises an address that it has itself, of the
// family it is bound with if it has one.
func TestAdvertisedAddressOfThisMachine(t *testing.T) {
	own := map[string]bool{}
	addrs, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range addrs {
		ip, _, _ := strings.Cut(a.String(), "/")
		own[ip] = true
	}
	for _, bind := range []string{":7946", "0.0.0.0:7946", "[::]:7946"} {
		got, err := advertisedAddress("", bind, netip.MustParseAddrPort("[::]:7946"))
		if err != nil {
			t.Skip(err)
		}
		if !own[got.Addr().String()] || got.Port() != 7946 || got.Addr().IsLoopback() {
			t.Errorf("%s: %s is none of %v", bind, got, own)
		}
		t.Log(bind, got)
	}
}

func TestLinkThatNobodyTakesIsClosed(t *testing.T) {
	a, b := openPair(t)
	conn, err := a.dialLink(t.Context(), b.addr())
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, 1))
	wantErr(t, err, io.EOF)
}

// Shutdown returns while strangers hold connections, and members streams and dials.
func TestShutdownEndsWhatIsOpen(t *testing.T) {
	a, b := openPair(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer mute.Close()
	silent, err := net.Dial("tcp", b.addr())
	must(t, err)
	defer silent.Close()
	dialled, err := a.DialTimeout(b.addr(), patience)
	must(t, err)
	defer dialled.Close()
	taken := receive(t, b.StreamCh())

	errs := make(chan error, 3)
	go func() { _, err := taken.Read(make([]byte, 1)); errs <- err }()
	go func() { _, err := b.dialLink(context.Background(), mute.Addr().String()); errs <- err }()
	go func() { _, err := b.DialTimeout(mute.Addr().String(), time.Hour); errs <- err }()
	for range 2 {
		c, err := mute.Accept()
		must(t, err)
		defer c.Close()
	}
	start := time.Now()
	must(t, b.Shutdown())
	for range 3 {
		if receive(t, errs) == nil {
			t.Error("went on after Shutdown")
		}
	}
	if took := time.Since(start); took > handshakeTime-time.Second {
		t.Errorf("Shutdown waited %v", took)
	}
	must(t, b.Shutdown())
	if _, err := b.DialTimeout(a.addr(), patience); err == nil {
		t.Error("dialled after Shutdown")
	}
	if _, err := b.WriteTo([]byte("x"), a.addr()); err == nil {
		t.Error("sent after Shutdown")
	}
}

func TestGossipLog(t *testing.T) {
	j := &journal{}
	now := time.Now()
	g := newGossipLog(j.logger(), func() time.Time { return now })
	for line, want := range map[string]string{
		"[DEBUG] memberlist: a\n": "level=DEBUG msg=\"gossip: a\"",
		"[INFO] memberlist: b\n":  "level=INFO msg=\"gossip: b\"",
		"[WARN] memberlist: c\n":  "level=WARN msg=\"gossip: c\"",
		"[ERR] memberlist: d\n":   "level=ERROR msg=\"gossip: d\"",
		"[ERROR] memberlist: e\n": "level=ERROR msg=\"gossip: e\"",
		"Err: f\n":                "level=WARN msg=\"gossip: Err: f\"",
		"[what] g\n":              "level=WARN msg=\"gossip: [what] g\"",
	} {
		fmt.Fprint(g, line)
		if !strings.Contains(j.String(), want) {
			t.Errorf("%q did not become %q in\n%s", line, want, j)
		}
	}
	for range 100_000 {
		fmt.Fprint(g, "[WARN] memberlist: "+strings.Repeat("x", 10_000))
	}
	if n := strings.Count(j.String(), "\n"); n != gossipLogBurst {
		t.Errorf("%d lines", n)
	}
	if n := len(j.String()); n > gossipLogBurst*2*gossipLogLine {
		t.Errorf("%d bytes", n)
	}
	now = now.Add(gossipLogPause)
	fmt.Fprint(g, "[WARN] memberlist: h")
	if !strings.Contains(j.String(), "h\" \"lines dropped before\"=99987") {
		t.Errorf("the last line does not say what was dropped")
	}
}
