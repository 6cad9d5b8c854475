// Package systemd is what a service says to its manager and takes from it: its
// state (sd_notify(3)), signs of life (sd_watchdog_enabled(3)) and listening
// sockets (sd_listen_fds(3)). Each is some lines in an environment variable, so
// there is no library behind it. Where no manager asks for anything, nothing is
// done.
package systemd
