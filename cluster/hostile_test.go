package cluster

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// room is by how much the heap may differ before and after an attack.
const room = 8 << 20

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func noGrowth(t testing.TB, before int64) {
	t.Helper()
	if grown := heap() - before; grown > room {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// attack connects, sends, and waits until the port has closed the connection.
func attack(t testing.TB, addr string, say func(net.Conn)) (answer []byte) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(patience)))
	say(c)
	_ = c.(*net.TCPConn).CloseWrite()
	answer, _ = io.ReadAll(c)
	return answer
}

// record is a TLS record, whatever it holds.
func record(kind byte, length int, body []byte) []byte {
	return append([]byte{kind, 3, 1, byte(length >> 8), byte(length)}, body...)
}

func strangers() map[string]func(net.Conn) {
	noise := make([]byte, 64<<10)
	rand.Read(noise)
	say := func(b []byte) func(net.Conn) { return func(c net.Conn) { _, _ = c.Write(b) } }
	hello := []byte{1, 0xff, 0xff, 0xff} // a ClientHello of 16 MiB
	return map[string]func(net.Conn){
		"HTTP":               say([]byte("GET / HTTP/1.1\r\nHost: chat\r\n\r\n")),
		"Redis":              say([]byte("*1\r\n$4\r\nPING\r\n")),
		"WebSocket":          say([]byte("GET /api/v1/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")),
		"memberlist plain":   say([]byte{6, 0x83, 0xa5, 'N', 'o', 'd', 'e', 's', 1}),
		"nothing":            say(nil),
		"noise":              say(noise),
		"noise as handshake": say(record(22, 16384, noise[:16384])),
		"huge record":        say(record(22, 65535, noise[:65535])),
		"empty records":      say(bytes.Repeat(record(22, 0, nil), 10_000)),
		"huge ClientHello":   say(append(record(22, 16384, append(hello, noise[:16380]...)), record(22, 16384, noise[:16384])...)),
		"alerts":             say(bytes.Repeat(record(21, 2, []byte{1, 90}), 10_000)),
		"TLS without ALPN":   func(c net.Conn) { _ = tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake() },
		"TLS, noise inside": func(c net.Conn) {
			_, _ = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{linkALPN}}).Write(noise)
		},
	}
}

func TestI9StrangersAreRefused(t *testing.T) {
	a, b := openPair(t)
	n := 0
	before := heap()
	for range 5 {
		for _, say := range strangers() {
			n++
			attack(t, b.addr(), say)
		}
	}
	eventually(t, "all refused", func() bool { return b.refusals() == uint64(n) })
	noGrowth(t, before)
	select {
	case <-b.links():
		t.Error("a stranger has a link")
	case <-b.StreamCh():
		t.Error("a stranger gossips")
	default:
	}
	dialled, taken := takeLink(t, a, b)
	exchange(t, dialled, taken)
}

// Many who connect and say nothing: they cost a bounded number of goroutines,
// and members of other hosts get in meanwhile.
func TestI9SilentCrowd(t *testing.T) {
	key := newKey(t)
	a := openTransport(t, key, "127.0.0.1", &journal{}) // where they are too
	b := openTransport(t, key, "127.0.0.2", &journal{})
	c := openTransport(t, key, "127.0.0.3", &journal{})
	const crowd = 500
	before, goroutines := heap(), runtime.NumGoroutine()
	conns := make([]net.Conn, crowd)
	for i := range conns {
		c, err := net.Dial("tcp", b.addr()) // from 127.0.0.1
		must(t, err)
		defer c.Close()
		conns[i] = c
	}
	eventually(t, "those beyond the bound refused", func() bool { return b.refusals() >= crowd-maxHandshakesHost })
	if n := runtime.NumGoroutine() - goroutines; n > maxHandshakes {
		t.Errorf("%d goroutines for strangers", n)
	}
	noGrowth(t, before)
	dialled, taken := takeLink(t, c, b)
	exchange(t, dialled, taken)
	for _, c := range conns {
		must(t, c.SetDeadline(time.Now().Add(patience)))
		_, _ = io.Copy(io.Discard, c) // until it is closed
	}
	eventually(t, "all refused", func() bool { return b.refusals() == crowd })
	dialled, taken = takeLink(t, a, b)
	exchange(t, dialled, taken)
}

func TestTurnstile(t *testing.T) {
	ts := newTurnstile()
	host := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	enter := func(h netip.Addr, times int) (in int) {
		for range times {
			if ts.enter(h) {
				in++
			}
		}
		return in
	}
	if in := enter(host(1), 100); in != maxHandshakesHost {
		t.Errorf("%d of one host", in)
	}
	if in := enter(host(2), 20) + enter(host(3), 20); in != maxHandshakes-maxHandshakesHost {
		t.Errorf("%d of the others", in)
	}
	ts.leave(host(1))
	if in := enter(host(4), 2); in != 1 {
		t.Errorf("%d after one left", in)
	}
	for h, n := range ts.hosts {
		for range n {
			ts.leave(h)
		}
	}
	if ts.all != 0 || len(ts.hosts) != 0 {
		t.Errorf("left behind: %d, %v", ts.all, ts.hosts)
	}
}

// A flood of packets that nobody of the cluster sent, from one who may have recorded some.
func TestI9PacketFlood(t *testing.T) {
	j := &journal{}
	key := newKey(t)
	a, b := openTransport(t, key, "127.0.0.1", &journal{}), openTransport(t, key, "127.0.0.2", j)
	first, second := openMemberlist(t, a, "first"), openMemberlist(t, b, "second")
	_, err := first.Join([]string{b.addr()})
	must(t, err)
	stranger, err := net.Dial("udp", b.addr())
	must(t, err)
	defer stranger.Close()
	packets := strangePackets(t, a)
	before, goroutines := heap(), runtime.NumGoroutine()
	for b.refusals() < 20_000 {
		for _, p := range packets {
			_, err := stranger.Write(p)
			must(t, err)
		}
	}
	noGrowth(t, before)
	if n := runtime.NumGoroutine() - goroutines; n > 20 {
		t.Errorf("%d goroutines more", n)
	}
	if n := strings.Count(j.String(), errBadPacket.Error()); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if strings.Contains(j.String(), "Decrypt") {
		t.Error("memberlist was bothered")
	}
	if first.NumMembers() != 2 || second.NumMembers() != 2 {
		t.Errorf("members: %d and %d", first.NumMembers(), second.NumMembers())
	}
}

// strangePackets are not authentic; some nearly are.
func strangePackets(t testing.TB, member *transport) [][]byte {
	t.Helper()
	genuine := sealPacket(t, member, bytes.Repeat([]byte{0xff}, 100))
	mutant := func(change func([]byte)) []byte { p := bytes.Clone(genuine); change(p); return p }
	noise := make([]byte, 60_000)
	rand.Read(noise)
	return [][]byte{
		{}, {1}, noise, noise[:1400], genuine[:len(genuine)-1], genuine[:packetMin],
		append(bytes.Clone(genuine), 0),
		mutant(func(p []byte) { p[0] = 0 }),
		mutant(func(p []byte) { p[0] = 2 }),
		mutant(func(p []byte) { p[1] ^= 1 }),
		mutant(func(p []byte) { p[50] ^= 1 }),
		append([]byte{244, 1, 'x'}, genuine...), // with a label
		[]byte("GET / HTTP/1.1\r\n\r\n"),
		{0, 0x82, 0xa5, 'S', 'e', 'q', 'N', 'o', 1}, // memberlist's ping, plain
	}
}

// A recorded packet whose version byte is set to 0 still decrypts, and
// memberlist would strip 255 bytes of padding from 100, and panic.
func TestI9PacketVersionIsNotAttackers(t *testing.T) {
	tr := openTransport(t, newKey(t), "127.0.0.1", &journal{})
	genuine := sealPacket(t, tr, bytes.Repeat([]byte{0xff}, 100))
	if scratch := make([]byte, 0, maxPacket); !tr.authentic(genuine, scratch) {
		t.Fatal("the packet is not genuine")
	}
	genuine[0] = 0
	if tr.authentic(genuine, nil) {
		t.Error("version 0 is let through")
	}
	if tr.authentic(sealPacket(t, tr, nil), nil) {
		t.Error("an empty packet is let through")
	}
}

// When memberlist does not read, authentic packets are dropped past a bound.
func TestI6PacketsNobodyReads(t *testing.T) {
	tr := openTransport(t, Key{}, "127.0.0.1", &journal{})
	from := netip.MustParseAddrPort("127.0.0.9:1")
	packet := sealPacket(t, tr, make([]byte, 1400))
	before := heap()
	for range 100_000 {
		tr.receive(packet, nil, from)
	}
	noGrowth(t, before)
	if len(tr.packets) != packetsWait {
		t.Errorf("%d wait", len(tr.packets))
	}
}

func TestRefusalsAreLoggedOnce(t *testing.T) {
	j := &journal{}
	now := time.Now()
	r := newRefusals(j.logger(), func() time.Time { return now })
	lines := func() int { return strings.Count(j.String(), "\n") }
	host := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }
	for range 1000 {
		r.add(host(0), fmt.Errorf("10.0.0.0:%d: %w", now.Nanosecond(), ErrWrongKey))
		r.add(host(0), ErrNotKlatch)
	}
	if lines() != 2 {
		t.Fatalf("%d lines of two reasons", lines())
	}
	for n := range 60_000 {
		r.add(host(n), errBadPacket)
	}
	if lines() != refusalBurst {
		t.Fatalf("%d lines at once", lines())
	}
	for minute := range 5 {
		now = now.Add(refusalPause)
		for n := range 60_000 {
			r.add(host(n), errBadPacket)
		}
		if lines() != refusalBurst+minute+1 {
			t.Fatalf("%d lines after %d minutes", lines(), minute+1)
		}
	}
	for n := range 3 * refusalsTold {
		now = now.Add(refusalPause)
		r.add(host(n), errSilent)
		if len(r.told) > refusalsTold {
			t.Fatalf("the table holds %d", len(r.told))
		}
	}
	if n := r.count.Load(); n != 2000+6*60_000+3*refusalsTold {
		t.Errorf("counted %d", n)
	}
}

func TestHostOf(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "::1": "::1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::5%eth0": "fe80::",
	} {
		if got := hostOfIP(netip.MustParseAddr(ip)); got.String() != want {
			t.Errorf("%s is of %s, want %s", ip, got, want)
		}
	}
}

// The key is in no log line, error or printed value, whatever goes wrong.
func TestI9KeyIsNeverShown(t *testing.T) {
	j := &journal{}
	key := newKey(t)
	a, b := openTransport(t, key, "127.0.0.1", j), openTransport(t, newKey(t), "127.0.0.2", j)
	first, second := openMemberlist(t, a, "first"), openMemberlist(t, b, "second")
	_, err := first.Join([]string{b.addr()})
	fmt.Fprintln(j, err)
	_, err = a.dialLink(t.Context(), b.addr())
	fmt.Fprintln(j, err)
	_, err = second.Join([]string{a.addr()})
	fmt.Fprintln(j, err)
	for _, say := range strangers() {
		fmt.Fprintf(j, "%s\n", attack(t, a.addr(), say))
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(j, verb+"\n", key)
		fmt.Fprintf(j, verb+"\n", a.keys)
		fmt.Fprintf(j, verb+"\n", &a.keys)
	}
	j.logger().Info("values", "key", key, "keys", a.keys)
	for _, secret := range [][]byte{[]byte(key.secret), a.keys.gossip, a.keys.proof} {
		for _, shown := range []string{
			string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
			base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret),
			fmt.Sprint(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`),
		} {
			if strings.Contains(j.String(), shown) {
				t.Error("a key was shown")
			}
		}
	}
	if !strings.Contains(j.String(), ErrWrongKey.Error()) {
		t.Error("nothing was logged: nothing was tested")
	}
}
