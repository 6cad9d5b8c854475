package socket

import "github.com/lxzan/gws"

// events is gws's side of a connection. None of its methods writes through gws.
type events struct{}

func connOf(g *gws.Conn) *Conn { return g.NetConn().(*stream).c }

func (events) OnOpen(*gws.Conn) {} // called again whenever ReadLoop is

func (events) OnMessage(g *gws.Conn, m *gws.Message) {
	defer m.Close()
	if c := connOf(g); c.ending.Load() == nil {
		c.handler.Message(c, m.Opcode == gws.OpcodeBinary, m.Bytes())
	}
}

func (events) OnPing(g *gws.Conn, payload []byte) { connOf(g).pong(payload) }

func (events) OnPong(*gws.Conn, []byte) {} // a sign of life, as any frame

func (events) OnClose(g *gws.Conn, err error) { connOf(g).readEnded(err) }
