package bench

import (
	"encoding/hex"
	"testing"
)

// What the server writes, word for word.
const (
	jsonReady      = `{"type":"ready","user":{"id":"3B8PH81SEWJ6697ZWWGDW16SWP","username":"bench-user-1","display_name":"","role":"user","bot":false},"node":"7f97c18515774584","rooms":[{"id":"1Z7S5N7SXNY0FQ1KQS2D71D521","name":"bench-00","topic":""},{"id":"0A5P12F85W0KVAVXFXY9G46YT2","name":"bench-0","topic":"","private":false,"direct":false,"members":1,"role":"member","last":null,"unread":0,"mentions":0,"last_read":""}],"cursor":"AX-XwYUVd0WEAw","resumed":false,"heartbeat":{"interval_ms":25000,"timeout_ms":20000}}`
	jsonResumed    = `{"type":"ready","user":{"id":"3B8PH81SEWJ6697ZWWGDW16SWP"},"node":"7f97c18515774584","rooms":[{"id":"0A5P12F85W0KVAVXFXY9G46YT2","name":"bench-0"}],"cursor":"AX-XwYUVd0WEBB","resumed":true,"heartbeat":{"interval_ms":25000,"timeout_ms":20000}}`
	jsonJoined     = `{"type":"member_joined","room":"0A5P12F85W0KVAVXFXY9G46YT2","user":"26P3VF675RWWX42CYFPNDC2K2D","username":"bench-user-0","role":"member","status":"offline"}`
	jsonMessage    = `{"type":"message","id":"01M83G7N1J0007Z5Y1GMAQEHC4","room":"0A5P12F85W0KVAVXFXY9G46YT2","user":"26P3VF675RWWX42CYFPNDC2K2D","body":"#0.0.5632318.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","at":"2026-11-23T06:07:01.170Z"}`
	jsonPostAck    = `{"type":"ack","id":"01M83G7N1J0007Z5Y1GMAQEHC4","at":"2026-11-23T06:07:01.170Z","position":"AX-XwYUVd0WECA"}`
	jsonPage       = `{"type":"ack","ref":18536047,"items":[{"id":"01M83G84CF00JQZ5Y1GMAQEHC4","room":"0A5P12F85W0KVAVXFXY9G46YT2","user":"26P3VF675RWWX42CYFPNDC2K2D","body":"#0.49.3461331.xxx","at":"2026-11-23T06:07:16.879Z"}]}`
	jsonCheckpoint = `{"type":"checkpoint","cursor":"AX-XwYUVd0WEEQ"}`
	jsonError      = `{"type":"error","code":"rate_limited","message":"slow down"}`
	jsonReset      = `{"type":"reset","cursor":"AX-XwYUVd0WEEQ"}`

	cborReady      = "a764747970656572656164796475736572a5626964781a3053304a3736575647565259334153473052463938573944463168757365726e616d656c62656e63682d757365722d326c646973706c61795f6e616d656064726f6c65647573657263626f74f4646e6f6465703766393763313835313537373435383465726f6f6d7381ab626964781a30413550313246383557304b5641565846585939473436595432646e616d656762656e63682d3065746f706963606770726976617465f466646972656374f4676d656d626572730464726f6c65666d656d626572646c617374a2626964781a30314d38334737575032303030375a355931474d4151454843346261747818323032362d31312d32335430363a30373a30382e3939345a66756e7265616406686d656e74696f6e7300696c6173745f726561646066637572736f726e41582d587759555664305745455167726573756d6564f469686561727462656174a26b696e74657276616c5f6d731961a86a74696d656f75745f6d73194e20"
	cborMessage    = "a66474797065676d657373616765626964781a30314d38334737575047303030375a355931474d41514548433464726f6f6d781a30413550313246383557304b56415658465859394734365954326475736572781a323650335646363735525757583432435946504e4443324b324464626f6479784023302e302e383233393830372e7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878786261747818323032362d31312d32335430363a30373a30392e3030385a"
	cborPostAck    = "a464747970656361636b626964781a30314d38334737575047303030375a355931474d4151454843346261747818323032362d31312d32335430363a30373a30392e3030385a68706f736974696f6e6e41582d5877595556643057454567"
	cborPresence   = "a364747970656870726573656e63656475736572781a3053304a3736575647565259334153473052463938573944463166737461747573666f6e6c696e65"
	cborCheckpoint = "a264747970656a636865636b706f696e7466637572736f726e41582d5877595556643057454741"
)

// What the server writes over Socket.IO.
const (
	socketIOOpen       = `0{"sid":"1a2b","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
	socketIOConnect    = `40{"sid":"3c4d","pid":"signed-1"}`
	socketIOReady      = `42["ready",` + jsonReady + `,"AX-XwYUVd0WEAw"]`
	socketIOResumed    = `42["ready",` + jsonResumed + `,"AX-XwYUVd0WEBB"]`
	socketIOJoined     = `42["member_joined",` + jsonJoined + `,"AX-XwYUVd0WEBw"]`
	socketIOMessage    = `42["message",` + jsonMessage + `,"AX-XwYUVd0WECA"]`
	socketIOTyping     = `42["typing",{"type":"typing","room":"0A5P12F85W0KVAVXFXY9G46YT2","user":"26P3VF675RWWX42CYFPNDC2K2D"}]`
	socketIOAck        = `437[{"ok":true,"id":"01M83G7N1J0007Z5Y1GMAQEHC4","at":"2026-11-23T06:07:01.170Z","position":"AX-XwYUVd0WECA"}]`
	socketIONo         = `438[{"ok":false,"error":{"code":"rate_limited","message":"slow down"}}]`
	socketIOCheckpoint = `42["checkpoint",` + jsonCheckpoint + `,"AX-XwYUVd0WEEQ"]`
	socketIOReset      = `42["reset",{"type":"reset","reason":"too much has happened since the cursor"}]`
	socketIOError      = `42["error",{"code":"rate_limited","message":"slow down"}]`
	socketIORefused    = `44{"message":"no such token","data":{"code":"unauthorized"}}`
)

// newcomer is a client of a protocol that is not ready yet.
func newcomer(p Protocol) *Client {
	f := unconnected(1, 1)
	f.cfg.Protocol, f.changed = p, make(chan struct{})
	c := f.clients[0]
	c.ready, c.fd, c.State = false, -1, new(account)
	return c
}

func TestKlatchJSONReadsTheServersFrames(t *testing.T) {
	p := Klatch(nil)
	c := newcomer(p)
	say := func(frame string) { p.Message(c, []byte(frame)) }
	tally := &c.loop.tally

	say(jsonReady)
	if !c.ready || string(c.Cursor) != "AX-XwYUVd0WEAw" || roomID(c) != "0A5P12F85W0KVAVXFXY9G46YT2" {
		t.Fatalf("after ready: %t, cursor %q, room %q", c.ready, c.Cursor, roomID(c))
	}
	say(jsonJoined)
	say(jsonPostAck)
	if n := tally.delivered.Load() + tally.answered.Load() + tally.errors + tally.foreign; n != 0 {
		t.Errorf("%d things counted of a member and an ack", n)
	}
	say(jsonMessage)
	if tally.delivered.Load() != 1 || tally.foreign != 0 || string(c.lastID[:]) != "01M83G7N1J0007Z5Y1GMAQEHC4" {
		t.Errorf("after a message: %d delivered, %d foreign, id %q", tally.delivered.Load(), tally.foreign, c.lastID)
	}
	say(jsonPage)
	if tally.answered.Load() != 1 {
		t.Errorf("%d pages answered", tally.answered.Load())
	}
	say(jsonCheckpoint)
	if string(c.Cursor) != "AX-XwYUVd0WEEQ" {
		t.Errorf("cursor %q after the checkpoint", c.Cursor)
	}
	say(jsonError)
	say(jsonReset)
	say(`hello`)
	if tally.errors != 3 || tally.firstError != "bench-user-0: "+jsonError {
		t.Errorf("%d errors, the first %s", tally.errors, tally.firstError)
	}
}

// Who brings a cursor is live when what it missed has come, not before.
func TestKlatchJSONResumes(t *testing.T) {
	p := Klatch(nil)
	c := newcomer(p)
	c.keep([]byte("AX-XwYUVd0WEAw"))
	p.Message(c, []byte(jsonResumed))
	p.Message(c, []byte(jsonMessage))
	if c.ready || string(c.Cursor) != "AX-XwYUVd0WEAw" || c.loop.tally.delivered.Load() != 1 {
		t.Errorf("before the checkpoint: ready %t, cursor %q", c.ready, c.Cursor)
	}
	p.Message(c, []byte(jsonCheckpoint))
	if !c.ready || string(c.Cursor) != "AX-XwYUVd0WEEQ" {
		t.Errorf("after it: ready %t, cursor %q", c.ready, c.Cursor)
	}
}

func TestKlatchCBORReadsTheServersFrames(t *testing.T) {
	p := KlatchCBOR(nil)
	c := newcomer(p)
	say := func(frame string) {
		data, err := hex.DecodeString(frame)
		if err != nil {
			t.Fatal(err)
		}
		p.Message(c, data)
	}
	tally := &c.loop.tally

	say(cborReady)
	if !c.ready || string(c.Cursor) != "AX-XwYUVd0WEEQ" || roomID(c) != "0A5P12F85W0KVAVXFXY9G46YT2" {
		t.Fatalf("after ready: %t, cursor %q, room %q", c.ready, c.Cursor, roomID(c))
	}
	say(cborPostAck)
	say(cborPresence)
	say(cborMessage)
	if tally.delivered.Load() != 1 || tally.foreign+tally.errors != 0 || string(c.lastID[:]) != "01M83G7WPG0007Z5Y1GMAQEHC4" {
		t.Errorf("after a message: %d delivered, %d foreign, id %q", tally.delivered.Load(), tally.foreign, c.lastID)
	}
	say(cborCheckpoint)
	if string(c.Cursor) != "AX-XwYUVd0WEGA" {
		t.Errorf("cursor %q after the checkpoint", c.Cursor)
	}
}

func TestKlatchSocketIOReadsTheServersFrames(t *testing.T) {
	p := KlatchSocketIO(nil)
	c := newcomer(p)
	say := func(packet string) { p.Message(c, []byte(packet)) }
	tally := &c.loop.tally

	say(socketIOOpen)
	say(socketIOConnect)
	if c.ready || c.State.(*account).pid != "signed-1" {
		t.Fatalf("after CONNECT: ready %t, pid %q", c.ready, c.State.(*account).pid)
	}
	say(socketIOReady)
	if !c.ready || string(c.Cursor) != "AX-XwYUVd0WEAw" || roomID(c) != "0A5P12F85W0KVAVXFXY9G46YT2" {
		t.Fatalf("after ready: %t, offset %q, room %q", c.ready, c.Cursor, roomID(c))
	}
	say(socketIOJoined)
	say(socketIOAck)
	if n := tally.delivered.Load() + tally.answered.Load() + tally.errors + tally.foreign; n != 0 || string(c.Cursor) != "AX-XwYUVd0WEBw" {
		t.Errorf("%d things counted of a member and an ack, offset %q", n, c.Cursor)
	}
	say(socketIOMessage)
	if tally.delivered.Load() != 1 || tally.foreign != 0 || string(c.lastID[:]) != "01M83G7N1J0007Z5Y1GMAQEHC4" {
		t.Errorf("after a message: %d delivered, %d foreign, id %q", tally.delivered.Load(), tally.foreign, c.lastID)
	}
	say(socketIOTyping)
	if string(c.Cursor) != "AX-XwYUVd0WECA" {
		t.Errorf("offset %q after an event of the log and one that is none", c.Cursor)
	}
	say(socketIOCheckpoint)
	if string(c.Cursor) != "AX-XwYUVd0WEEQ" || tally.errors != 0 {
		t.Errorf("offset %q, %d errors after the checkpoint", c.Cursor, tally.errors)
	}
	for i, bad := range []string{socketIOError, socketIOReset, socketIONo, socketIORefused, "41", "42[]", "1", "hello"} {
		if say(bad); tally.errors != uint64(i+1) {
			t.Errorf("%d errors after %s", tally.errors, bad)
		}
	}
}

// Who has an offset is live when what it missed has come, and remembers each
// event of it: the connection may end before.
func TestKlatchSocketIOResumes(t *testing.T) {
	p := KlatchSocketIO(nil)
	c := newcomer(p)
	c.keep([]byte("AX-XwYUVd0WEAw"))
	for _, packet := range []string{socketIOConnect, socketIOResumed, socketIOMessage} {
		p.Message(c, []byte(packet))
	}
	if c.ready || string(c.Cursor) != "AX-XwYUVd0WECA" || c.loop.tally.delivered.Load() != 1 {
		t.Errorf("before the checkpoint: ready %t, offset %q", c.ready, c.Cursor)
	}
	p.Message(c, []byte(socketIOCheckpoint))
	if !c.ready || string(c.Cursor) != "AX-XwYUVd0WEEQ" {
		t.Errorf("after it: ready %t, offset %q", c.ready, c.Cursor)
	}
}

// CONNECT brings back what the libraries bring back, and on the first time nothing.
func TestKlatchSocketIOConnects(t *testing.T) {
	c := newcomer(KlatchSocketIO(nil))
	c.State.(*account).token = "a.b.c"
	if got, want := string(connectPacket(c)), `40{"token":"a.b.c"}`; got != want {
		t.Errorf("first %s, want %s", got, want)
	}
	KlatchSocketIO(nil).Message(c, []byte(socketIOConnect))
	KlatchSocketIO(nil).Message(c, []byte(socketIOMessage))
	if got, want := string(connectPacket(c)), `40{"token":"a.b.c","pid":"signed-1","offset":"AX-XwYUVd0WECA"}`; got != want {
		t.Errorf("then %s, want %s", got, want)
	}
}

func TestLastText(t *testing.T) {
	for array, want := range map[string]string{
		`["a",{"b":"c"},"d"]`: "d",
		`["a",""]`:            "",
		`["a",{"b":"c"}]`:     "",
		`["a",["b","c"]]`:     "",
		`["a"]`:               "",
		`["a",1]`:             "",
		`"]`:                  "",
		``:                    "",
	} {
		if got := lastText([]byte(array)); string(got) != want {
			t.Errorf("%s: %q, want %q", array, got, want)
		}
	}
}

// Whatever a server sends, the generator counts it and lives.
func FuzzKlatchMessage(f *testing.F) {
	for _, frame := range []string{jsonReady, jsonResumed, jsonMessage, jsonPostAck, jsonPage, jsonCheckpoint, jsonError, `{"type":"ack","ref":`} {
		f.Add([]byte(frame))
	}
	for _, packet := range []string{socketIOOpen, socketIOConnect, socketIOReady, socketIOResumed, socketIOMessage, socketIOTyping, socketIOAck, socketIONo, socketIOCheckpoint, socketIORefused, `42["`, "43", "2"} {
		f.Add([]byte(packet))
	}
	for _, frame := range []string{cborReady, cborMessage, cborPostAck, cborCheckpoint} {
		data, _ := hex.DecodeString(frame)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range []Protocol{Klatch(nil), KlatchCBOR(nil), KlatchSocketIO(nil)} {
			p.Message(newcomer(p), data)
		}
	})
}
