package cli

import "log/slog"

// reservedDescriptors are kept from clients, for the store's files, REST and
// metrics; where there are few, clients get three quarters.
const reservedDescriptors = 2048

// connectionsFor returns how many clients so many descriptors can bear.
func connectionsFor(descriptors uint64) int {
	reserved := min(reservedDescriptors, descriptors/4)
	return int(min(descriptors-reserved, 1<<31-1))
}

// allFor returns how many connections there may be in all: besides the clients
// those that wait to be let in, and REST's.
func allFor(descriptors uint64) int {
	return connectionsFor(descriptors) + int(min(reservedDescriptors, descriptors/4))/2
}

// mostTunnels bounds the memory of tunnels: some 60 KiB each, on both nodes.
const mostTunnels = 4096

// tunnelsFor returns how many tunnels of each way so many descriptors can bear.
func tunnelsFor(descriptors uint64) int {
	return min(mostTunnels, connectionsFor(descriptors)/16)
}

// clientDescriptors are those that tunnels leave: one that was accepted takes a
// descriptor, one that was dialled two, with its client's.
func (c *Config) clientDescriptors(descriptors uint64) uint64 {
	if !c.clustered() {
		return descriptors
	}
	return descriptors - 3*uint64(tunnelsFor(descriptors))
}

// holdTo has max-connections not exceed the descriptors: at the limit the store
// could open no file.
func (c *Config) holdTo(descriptors uint64, log *slog.Logger) {
	most := connectionsFor(c.clientDescriptors(descriptors))
	if c.MaxConnections > most {
		log.Warn("the descriptor limit allows fewer connections than --max-connections asks for: raise it with ulimit -n, or LimitNOFILE= in a systemd unit",
			"max-connections", c.MaxConnections, "descriptors", descriptors, "connections", most)
	}
	if c.MaxConnections == 0 || c.MaxConnections > most {
		c.MaxConnections = most
	}
}
