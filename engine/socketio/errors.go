package socketio

import "errors"

// Errors to compare with.
var (
	ErrNotConnected       = errors.New("the socket is not connected")
	ErrReserved           = errors.New("reserved event name")
	ErrTooManyAttachments = errors.New("too many attachments")
	ErrTooManyAcks        = errors.New("too many acknowledgements are waited for")
	ErrTooManyRooms       = errors.New("the socket is in too many rooms")
	ErrMissing            = errors.New("missing argument")
	ErrUnanswered         = errors.New("nobody waits for an acknowledgement, or it was sent")
)

// Error refuses a connection to a namespace. Message and Data become those of
// the client's connect_error; of any other error the client sees the text.
type Error struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Why a socket was disconnected, in the words of the reference.
const (
	ReasonClientDisconnect = "client namespace disconnect"
	ReasonServerDisconnect = "server namespace disconnect"
	ReasonParseError       = "parse error"
	ReasonForcedClose      = "forced server close"
	ReasonTransportClose   = "transport close"
	ReasonTransportError   = "transport error"
	ReasonPingTimeout      = "ping timeout"
	ReasonShuttingDown     = "server shutting down"
	ReasonTooSlow          = "too slow"        // ours: the client does not read what it is sent
	ReasonBusy             = "server too slow" // ours: the listeners did not keep up with the client
	ReasonPanic            = "server error"    // ours: a listener panicked
)
