//go:build !linux

package socket

import "errors"

// poller exists on Linux only. Elsewhere every connection has its goroutine.
type poller struct{}

func newPoller(*Server) (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) run()                  {}
func (*poller) stop()                 {}
func (*poller) round()                {}
func (*poller) arm(*Conn, bool) error { return errors.ErrUnsupported }
