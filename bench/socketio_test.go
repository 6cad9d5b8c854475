package bench

import "testing"

func TestReadSocketIO(t *testing.T) {
	for data, want := range map[string]struct {
		packet SocketIOPacket
		rest   string
	}{
		`0{"sid":"a","pingInterval":25000}`: {SocketIOOpen, `{"sid":"a","pingInterval":25000}`},
		`40{"sid":"b"}`:                     {SocketIOConnect, `{"sid":"b"}`},
		`42["message",{}]`:                  {SocketIOEvent, `["message",{}]`},
		`437[{}]`:                           {SocketIOAck, `7[{}]`},
		`2`:                                 {SocketIOPing, ``},
		`41`:                                {SocketIOOther, `41`},
		`44{"message":"no"}`:                {SocketIOOther, `44{"message":"no"}`},
		`1`:                                 {SocketIOOther, `1`},
		`6`:                                 {SocketIOOther, `6`},
		``:                                  {SocketIOOther, ``},
	} {
		if packet, rest := ReadSocketIO([]byte(data)); packet != want.packet || string(rest) != want.rest {
			t.Errorf("%s is %d and %s, want %d and %s", data, packet, rest, want.packet, want.rest)
		}
	}
}
