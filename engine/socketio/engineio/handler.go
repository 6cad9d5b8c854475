package engineio

// Handler is told what happens in a session.
type Handler interface {
	// Message is called for each message in turn, never twice at once for one
	// session, whatever transports it uses; while it runs no more is read. Text
	// is UTF-8. data is valid only during the call. After the end of the session
	// no further call begins.
	Message(s *Session, binary bool, data []byte)

	// Beat is called about once an interval, before the ping: the place for
	// checkpoints. It must not block, and may overlap Message.
	Beat(s *Session)

	// Closed is called exactly once, after the last Message.
	Closed(s *Session, reason Reason)
}

// Reason is why a session has ended, in the words of the reference server.
type Reason string

// The reasons. Those of Session.End may be others.
const (
	ReasonPingTimeout    Reason = "ping timeout"         // no sign of life
	ReasonTransportClose Reason = "transport close"      // the client closed, or is gone
	ReasonTransportError Reason = "transport error"      // the client misused its transport, or that broke
	ReasonParseError     Reason = "parse error"          // the client sent what is no packet
	ReasonForcedClose    Reason = "forced close"         // Session.Close
	ReasonShuttingDown   Reason = "server shutting down" // Server.Close
	ReasonTooSlow        Reason = "too slow"             // the client does not take what is sent
)
