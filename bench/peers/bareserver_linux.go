package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// The bare server is the floor under every other: one thread, one epoll set,
// and for each message one write(2) to each client of the room. There is no
// queue: who does not take a message whole at once is cut off. It knows of
// RFC 6455 what the bench's clients need: texts of one frame.
type bareServer struct {
	epoll, listener int
	clients         map[int]*bareClient
	rooms           map[string][]*bareClient
	buf             []byte
	file            *os.File // keeps the listener's descriptor
}

type bareClient struct {
	fd   int
	room string // empty before the handshake
	rest []byte // the beginning of what has not come whole
}

var errBare = errors.New("not for the bare server")

func serveBare(out io.Writer) error {
	s := &bareServer{clients: map[int]*bareClient{}, rooms: map[string][]*bareClient{}, buf: make([]byte, 64<<10)}
	if err := s.listen(out); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range events[:max(0, n)] {
			s.event(int(e.Fd))
		}
	}
}

func (s *bareServer) listen(out io.Writer) (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if s.file, err = l.(*net.TCPListener).File(); err != nil {
		return err
	}
	s.listener = int(s.file.Fd())
	_, err = fmt.Fprintf(out, "bare on http://%s\n", l.Addr())
	return errors.Join(err, unix.SetNonblock(s.listener, true), s.watch(s.listener))
}

func (s *bareServer) watch(fd int) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (s *bareServer) event(fd int) {
	if fd == s.listener {
		s.accept()
		return
	}
	c := s.clients[fd]
	if c == nil {
		return // dropped in this round
	}
	n, err := unix.Read(fd, s.buf)
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if err != nil || n == 0 || s.consume(c, s.buf[:n]) != nil {
		s.drop(c)
	}
}

func (s *bareServer) accept() {
	fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return
	}
	if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil || s.watch(fd) != nil {
		unix.Close(fd)
		return
	}
	s.clients[fd] = &bareClient{fd: fd}
}

func (s *bareServer) drop(c *bareClient) {
	if s.clients[c.fd] != c {
		return
	}
	unix.Close(c.fd)
	delete(s.clients, c.fd)
	s.rooms[c.room] = slices.DeleteFunc(s.rooms[c.room], func(o *bareClient) bool { return o == c })
}

// consume takes what is whole: the handshake, then messages.
func (s *bareServer) consume(c *bareClient, p []byte) error {
	if len(c.rest) > 0 {
		p = append(c.rest, p...)
	}
	for {
		n, err := s.take(c, p)
		if err != nil {
			return err
		}
		if p = p[n:]; n == 0 {
			c.rest = append([]byte(nil), p...)
			return nil
		}
	}
}

func (s *bareServer) take(c *bareClient, p []byte) (n int, err error) {
	if c.room != "" {
		return s.takeFrame(c, p)
	}
	if n = bytes.Index(p, []byte("\r\n\r\n")); n < 0 {
		return 0, nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p[:n+4])))
	if err != nil {
		return 0, err
	}
	if c.room = r.URL.Query().Get("room"); c.room == "" {
		return 0, errBare
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	s.rooms[c.room] = append(s.rooms[c.room], c)
	return n + 4, c.write(fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])))
}

func (s *bareServer) takeFrame(c *bareClient, p []byte) (n int, err error) {
	if len(p) < 2 {
		return 0, nil
	}
	head, size := 2, int(p[1]&0x7F)
	switch {
	case p[0] != 0x81 || p[1]&0x80 == 0 || size == 127:
		return 0, errBare // not a text in one frame, not masked, or over 64 KiB
	case size == 126 && len(p) < 4:
		return 0, nil
	case size == 126:
		head, size = 4, int(binary.BigEndian.Uint16(p[2:]))
	}
	if n = head + 4 + size; len(p) < n {
		return 0, nil
	}
	mask, payload := p[head:head+4], p[head+4:n]
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	s.broadcast(c.room, serverFrame(p[0], payload))
	return n, nil
}

func serverFrame(first byte, payload []byte) []byte {
	p := []byte{first, byte(len(payload))}
	if len(payload) >= 126 {
		p = binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(len(payload)))
	}
	return append(p, payload...)
}

// broadcast goes backwards: who is dropped moves nobody whose turn is still to come.
func (s *bareServer) broadcast(room string, frame []byte) {
	for _, c := range slices.Backward(s.rooms[room]) {
		if c.write(frame) != nil {
			s.drop(c)
		}
	}
}

func (c *bareClient) write(p []byte) error {
	if n, err := unix.Write(c.fd, p); err != nil || n < len(p) {
		return errBare
	}
	return nil
}
