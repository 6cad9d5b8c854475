package realtime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// Socket.IO over one transport or the other, where a test asks for a format.
const (
	overWebSocket client.Format = "socketio-websocket"
	overPolling   client.Format = "socketio-polling"
)

// speaker makes a raw one that speaks Socket.IO, as its client libraries do: what
// the test says and sees is klatch's own protocol.
type speaker struct {
	*raw
	node *node
	url  string
	http *http.Client // of polling; nil: a WebSocket

	posting sync.Mutex // one POST at a time

	mu           sync.Mutex
	types        map[int64]string // of frames by ref
	pid, offset  string           // as libraries keep them
	asked        string           // the pid that was sent
	offsets      []string         // of events but ready and checkpoint
	recovered    bool
	disconnected bool // the server has said so, and the library would not come back
	refused      bool // by connect_error
	once         sync.Once
	hold         chan struct{} // nothing is read until it closes

	waiting     string // for attachments
	attachments [][]byte
	need        int
}

// speakerIn begins a session of Engine.IO.
func (n *node) speakerIn(r *raw, header http.Header) (*raw, *http.Response, error) {
	s := &speaker{raw: r, node: n, types: map[int64]string{}}
	r.io = s
	if r.format == overPolling {
		return r, nil, s.poll(header)
	}
	addr := "ws" + n.http.URL[len("http"):] + "/socket.io/?EIO=4&transport=websocket"
	conn, resp, err := gws.NewClient(r, &gws.ClientOption{Addr: addr, RequestHeader: header})
	if err != nil {
		return nil, resp, err
	}
	r.conn = conn
	go conn.ReadLoop()
	r.t.Cleanup(func() { _ = conn.NetConn().Close(); <-r.closed })
	return r, resp, nil
}

// poll makes a session of long-polling, and keeps a GET waiting until its end.
func (s *speaker) poll(header http.Header) error {
	s.http = &http.Client{Transport: &http.Transport{}}
	s.url = s.node.http.URL + "/socket.io/?EIO=4&transport=polling"
	body, err := s.get(header)
	if err != nil {
		return err
	}
	var open struct{ Sid string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open); err != nil {
		return fmt.Errorf("handshake %q: %w", body, err)
	}
	s.url += "&sid=" + open.Sid
	go func() {
		for {
			body, err := s.get(nil)
			if err != nil {
				s.end()
				return
			}
			for packet := range strings.SplitSeq(body, "\x1e") {
				s.take(packet)
			}
		}
	}()
	s.t.Cleanup(func() { s.post("1"); <-s.closed; s.http.CloseIdleConnections() })
	return nil
}

func (s *speaker) get(header http.Header) (string, error) {
	req, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		return "", err
	}
	maps.Copy(req.Header, header)
	resp, err := s.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return string(body), err
}

// post sends packets; what the server does not take any more is lost, as on a WebSocket.
func (s *speaker) post(packets ...string) {
	s.posting.Lock()
	defer s.posting.Unlock()
	resp, err := s.http.Post(s.url, "text/plain", strings.NewReader(strings.Join(packets, "\x1e")))
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// write sends a packet of Engine.IO and the binary ones that belong to it.
func (s *speaker) write(packet string, attachments ...[]byte) {
	if s.http != nil {
		packets := []string{packet}
		for _, a := range attachments {
			packets = append(packets, "b"+base64.StdEncoding.EncodeToString(a))
		}
		s.post(packets...)
		return
	}
	_ = s.conn.WriteString(packet)
	for _, a := range attachments {
		_ = s.conn.WriteMessage(gws.OpcodeBinary, a)
	}
}

// send makes an event of a frame; of hello, CONNECT.
func (s *speaker) send(f fields) {
	s.t.Helper()
	if f["type"] == typeHello {
		s.connect(f)
		return
	}
	args, attachments := maps.Clone(f), [][]byte(nil)
	ref, name := "", f["type"]
	delete(args, "type")
	if n, ok := args["ref"]; ok {
		ref = fmt.Sprint(n)
		delete(args, "ref")
		id, _ := strconv.ParseInt(ref, 10, 64)
		s.mu.Lock()
		s.types[id] = name.(string)
		s.mu.Unlock()
	}
	data, found := detach(args)
	attachments = append(attachments, found...)
	array, err := json.Marshal([]any{name, data})
	if err != nil {
		s.t.Fatal(err)
	}
	head := "42"
	if len(attachments) > 0 {
		head = fmt.Sprintf("45%d-", len(attachments))
	}
	s.write(head+ref+string(array), attachments...)
}

// connect says hello. Where the test gives a cursor the client has a pid, too.
func (s *speaker) connect(f fields) {
	auth := fields{}
	if token, ok := f["token"].(string); ok {
		auth["token"] = token
		if who, err := s.node.engine.Authenticate(testContext(s.t), token); err == nil && f["cursor"] != nil {
			auth["pid"] = s.node.engine.RecoveryToken(who.User)
		}
	}
	if cursor := f["cursor"]; cursor != nil && cursor != "" {
		auth["offset"] = cursor
	}
	if pid, ok := f["pid"]; ok {
		auth["pid"] = pid
	}
	s.connectWith(auth)
}

func (s *speaker) connectWith(auth fields) {
	s.mu.Lock()
	s.offset = ""
	s.asked, _ = auth["pid"].(string)
	s.mu.Unlock()
	s.write("40" + string(must(json.Marshal(auth))))
}

// takeMessage takes a WebSocket message.
func (s *speaker) takeMessage(m *gws.Message) {
	if m.Opcode == gws.OpcodeBinary {
		s.takeAttachment(bytes.Clone(m.Bytes()))
		return
	}
	s.take(string(m.Bytes()))
}

// take takes a packet of Engine.IO.
func (s *speaker) take(packet string) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if packet == "" {
		s.t.Error("an empty packet")
		return
	}
	switch kind, rest := packet[0], packet[1:]; kind {
	case '2':
		s.write("3")
	case '1':
		s.end()
	case 'b':
		s.takeAttachment(must(base64.StdEncoding.DecodeString(rest)))
	case '4':
		s.takePacket(rest)
	}
}

func (s *speaker) end() {
	if s.http != nil {
		s.once.Do(func() { close(s.closed) })
	}
}

func (s *speaker) takeAttachment(data []byte) {
	s.attachments = append(s.attachments, data)
	if len(s.attachments) == s.need {
		text, attachments := s.waiting, s.attachments
		s.waiting, s.attachments, s.need = "", nil, 0
		s.takeArray(text, attachments)
	}
}

// takePacket takes a packet of Socket.IO.
func (s *speaker) takePacket(text string) {
	kind, rest := text[0], text[1:]
	switch kind {
	case '0':
		s.connected(rest)
	case '1':
		s.mu.Lock()
		s.disconnected = true
		s.mu.Unlock()
		if s.http != nil {
			s.hangUp()
		}
	case '4':
		if rest[0] == '/' { // another namespace
			_, rest, _ = strings.Cut(rest, ",")
		}
		var refused struct {
			Message string
			Data    fields
		}
		s.decode(rest, &refused)
		s.mu.Lock()
		s.refused = true
		s.mu.Unlock()
		f := fields{} // without data where Socket.IO refuses, not klatch
		maps.Copy(f, must(plain(refused.Data, 0)).(fields))
		f["type"], f["message"] = typeError, refused.Message
		s.add(f)
		s.hangUp()
	case '5', '6':
		count, array, _ := strings.Cut(rest, "-")
		s.need, _ = strconv.Atoi(count)
		s.waiting = string(kind-3) + array
	default:
		s.takeArray(text, nil)
	}
}

// hangUp ends the connection as libraries do that were refused or sent away.
func (s *speaker) hangUp() {
	if s.http != nil {
		go s.post("1")
	} else {
		_ = s.conn.NetConn().Close()
	}
}

func (s *speaker) connected(rest string) {
	var answer struct{ Sid, Pid string }
	s.decode(rest, &answer)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recovered = answer.Pid != "" && answer.Pid == s.asked
	s.pid = answer.Pid
}

// takeArray takes an event or an acknowledgement.
func (s *speaker) takeArray(text string, attachments [][]byte) {
	begin := strings.IndexByte(text, '[')
	var array []any
	s.decode(text[begin:], &array)
	if len(attachments) > 0 {
		whole, err := (&attacher{attachments, make([]bool, len(attachments))}).walk(array)
		if err != nil {
			s.t.Errorf("attachments of %s: %v", text, err)
			return
		}
		array = whole.([]any)
	}
	if text[0] == '3' {
		ref, _ := strconv.ParseInt(text[1:begin], 10, 64)
		s.acked(ref, array[0].(fields))
		return
	}
	if offset, ok := array[len(array)-1].(string); ok {
		s.mu.Lock()
		s.offset = offset
		if array[0] != "ready" && array[0] != "checkpoint" {
			s.offsets = append(s.offsets, offset)
		}
		s.mu.Unlock()
	}
	f := array[1].(fields)
	if had, ok := f["type"]; ok && had != array[0] {
		s.t.Errorf("event %v says it is %v", array[0], had)
	}
	f["type"] = array[0]
	s.add(f)
}

// acked makes the answer of klatch's own protocol of an acknowledgement.
func (s *speaker) acked(ref int64, answer fields) {
	f := maps.Clone(answer)
	delete(f, "ok")
	switch answer["ok"] {
	case true:
		s.mu.Lock()
		f["type"] = map[bool]string{true: typePong, false: typeAck}[s.types[ref] == typePing]
		s.mu.Unlock()
	case false:
		f = answer["error"].(fields)
		f["type"] = typeError
	default:
		s.t.Errorf("an acknowledgement without ok: %v", answer)
	}
	f["ref"] = ref
	s.add(f)
}

func (s *speaker) decode(text string, into any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		s.t.Errorf("unreadable packet %q: %v", text, err)
	}
	if array, ok := into.(*[]any); ok {
		*array = must(plain(*array, 0)).([]any)
	}
}

// where is what a library sends when it comes back.
func (s *speaker) where() (pid, offset string, recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid, s.offset, s.recovered
}

// wantClose: what a client must not come back after is a DISCONNECT, or a
// connect_error; else the transport has ended, on a WebSocket with the code.
func (s *speaker) wantClose(code engine.CloseCode) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	final := slices.Contains([]engine.CloseCode{engine.CloseUnauthorized, engine.CloseProtocolError, engine.CloseReplaced}, code)
	switch {
	case s.refused:
	case s.disconnected != final:
		s.t.Fatalf("disconnected: %v, for %d", s.disconnected, code)
	case !final && s.http == nil && s.code != code:
		s.t.Fatalf("closed with %d %q, not %d", s.code, s.reason, code)
	}
}

// speak dials and connects; cursor and pid are those of a client that comes back.
func (n *node) speak(t testing.TB, f client.Format, auth fields) *speaker {
	t.Helper()
	r, _, err := n.rawIn(t, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.io.connectWith(auth)
	return r.io
}
