//go:build !linux

package main

import (
	"errors"
	"io"
)

func serveBare(io.Writer) error { return errors.New("the bare server needs Linux's epoll") }
