//go:build !linux

package bench

import "errors"

// loop needs epoll: elsewhere nothing can be measured.
type loop struct{ tally tally }

var (
	errLinux  = errors.New("the load generator needs Linux (epoll)")
	errClosed = errors.New("the server closed the connection")
)

func newLoop(*fleet) (*loop, error)      { return nil, errLinux }
func (l *loop) do(func())                {}
func (l *loop) stop()                    {}
func (l *loop) connect(*Client)          {}
func (l *loop) hangUp(*Client)           {}
func (l *loop) pause(*Client, bool)      {}
func (l *loop) reset(*Client)            {}
func (c *Client) send(byte, []byte) bool { return false }
