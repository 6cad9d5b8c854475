package socketio

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

// begin connects clients of Socket.IO v2, which do not ask.
func (c *connection) begin() {
	if c.old {
		c.connect("/", queryAuth(c.session.Request().Query))
	}
}

// connect begins a socket.
func (c *connection) connect(name string, auth json.RawMessage) {
	n := c.server.find(name)
	if n == nil {
		c.refuse(name, &Error{Message: "Invalid namespace"})
		return
	}
	s := newSocket(n, c, auth)
	if !c.add(s) {
		c.refuse(name, &Error{Message: "too many namespaces"})
		return
	}
	n.admit(s)
}

// cutQuery takes the query off that a client of Socket.IO v2 gives as its auth.
func cutQuery(namespace []byte) (name, query []byte) {
	i := slices.Index(namespace, '?')
	if i < 0 {
		return namespace, nil
	}
	return namespace[:i], namespace[i+1:]
}

// authOf is what a client gave as auth.
func (c *connection) authOf(p *parsed, query []byte) json.RawMessage {
	switch {
	case query != nil:
		values, _ := url.ParseQuery(string(query))
		return queryAuth(values)
	case len(p.data) > 0:
		return slices.Clone(p.data)
	default:
		return emptyAuth
	}
}

// refuse answers a CONNECT that is not granted. Who asks again and again is cut
// off: each question may cost a signature or a database, and its sender nothing.
func (c *connection) refuse(namespace string, err *Error) {
	var says any = err
	if c.old {
		if says = err.Data; says == nil {
			says = err.Message
		}
	}
	encoded, failure := json.Marshal(says)
	if failure != nil {
		encoded, _ = json.Marshal(&Error{Message: err.Message})
	}
	c.session.Send(plainFrame(TypeConnectError, namespace, encoded))
	if c.refusals.Add(1) > int64(c.server.config.MaxNamespaces) {
		c.end(ReasonForcedClose, engine.CloseProtocolError, "refused too often")
	}
}

// accepts is the answer to a CONNECT that is granted.
func (c *connection) accepts(s *Socket, pid string) []byte {
	if c.old {
		return plainFrame(TypeConnect, s.namespace.name, nil)
	}
	encoded, _ := json.Marshal(struct {
		Sid string `json:"sid"`
		Pid string `json:"pid,omitempty"`
	}{s.id, pid})
	return plainFrame(TypeConnect, s.namespace.name, encoded)
}

func newSocket(n *Namespace, c *connection, auth json.RawMessage) *Socket {
	s := &Socket{namespace: n, conn: c, session: c.session, auth: auth, id: newID()}
	if c.old { // as these clients reckon their own
		s.id = strings.TrimPrefix(n.name+"#", "/#") + c.session.ID()
	}
	return s
}
