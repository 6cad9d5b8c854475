package nemesis

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// speak is a node that does what it is asked to by HTTP at NEMESIS_PUBLIC: it
// echoes what comes to its address, and calls others from it.
func speak(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		panic(err)
	}
	p, err := net.ListenPacket("udp", addr)
	if err != nil {
		panic(err)
	}
	go echoStreams(l)
	pong := make(chan string, 1024)
	go echoPackets(p, pong)
	http.HandleFunc("/tcp", func(w http.ResponseWriter, r *http.Request) { callStream(w, r, addr) })
	http.HandleFunc("/udp", func(w http.ResponseWriter, r *http.Request) { callPackets(w, r, p, pong) })
	panic(http.ListenAndServe(os.Getenv("NEMESIS_PUBLIC"), nil))
}

func echoStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(c, c)
		}()
	}
}

func echoPackets(p net.PacketConn, pong chan<- string) {
	b := make([]byte, 2048)
	for {
		n, from, err := p.ReadFrom(b)
		if err != nil {
			continue
		}
		if text := string(b[:n]); strings.HasPrefix(text, "ping") {
			_, _ = p.WriteTo([]byte("pong"+text[4:]), from)
		} else {
			pong <- text
		}
	}
}

func patience(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.FormValue("patience"))
	if err != nil {
		panic(err)
	}
	return d
}

// callStream sends 200 KB and reads them back, and says how long that took.
func callStream(w http.ResponseWriter, r *http.Request, from string) {
	host, _, _ := net.SplitHostPort(from)
	began := time.Now()
	d := net.Dialer{Timeout: patience(r), LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	c, err := d.Dial("tcp", r.FormValue("to"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(began.Add(patience(r)))
	const size = 200 << 10
	go func() { _, _ = c.Write(make([]byte, size)) }()
	if _, err := io.ReadFull(c, make([]byte, size)); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, time.Since(began))
}

// callPackets sends 50 datagrams and says how many came back.
func callPackets(w http.ResponseWriter, r *http.Request, p net.PacketConn, pong <-chan string) {
	to, err := net.ResolveUDPAddr("udp", r.FormValue("to"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	end := time.After(patience(r))
	token := fmt.Sprint(time.Now().UnixNano())
	for range 50 {
		_, _ = p.WriteTo([]byte("ping"+token), to)
	}
	came := 0
	for came < 50 {
		select {
		case text := <-pong:
			if text == "pong"+token {
				came++
			}
		case <-end:
			fmt.Fprint(w, came)
			return
		}
	}
	fmt.Fprint(w, came)
}

// speakers is a network with a speaker at each site.
type speakers struct {
	t *testing.T
	n Network
	h []*http.Client
}

func newSpeakers(t *testing.T, kind string, sites int) *speakers {
	n, err := OpenNetwork(kind, sites)
	if err != nil && kind == Netns {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &speakers{t: t, n: n}
	t.Cleanup(func() {
		for _, h := range s.h {
			h.CloseIdleConnections()
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range sites {
		s.start(i)
	}
	return s
}

func (s *speakers) start(i int) {
	site := s.n.Site(i)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NEMESIS_SPEAKER="+site.Bind, "NEMESIS_PUBLIC="+site.Public)
	cmd.Stderr = os.Stderr
	if err := s.n.Start(i, cmd); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	h := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return s.n.Dial(ctx, i, site.Public)
	}}}
	s.h = append(s.h, h)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := poll(ctx, 10*time.Millisecond, func() error {
		resp, err := h.Get("http://node/")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// call has one node call another. What it returns is false when nothing came back.
func (s *speakers) call(how string, from, to int, patience time.Duration) (string, bool) {
	s.t.Helper()
	resp, err := s.h[from].Get(fmt.Sprintf("http://node/%s?to=%s&patience=%s", how, s.n.Site(to).Advertise, patience))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b), resp.StatusCode == http.StatusOK
}
