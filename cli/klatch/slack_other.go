//go:build !linux

package main

func slackenTimers() {}
