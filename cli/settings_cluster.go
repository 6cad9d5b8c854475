package cli

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
)

func setClusterAddr(c *Config, text string) error {
	if text == "off" {
		c.ClusterAddr = ""
		return nil
	}
	return setAddr(&c.ClusterAddr, text)
}

func setClusterAdvertise(c *Config, text string) error {
	if err := setAddr(&c.ClusterAdvertise, text); err != nil {
		return err
	}
	if host, port, _ := net.SplitHostPort(text); host == "" || port == "0" {
		return fmt.Errorf("%q is not an address that others can reach: it needs a host and a port", text)
	}
	return nil
}

func setJoin(c *Config, text string) error {
	c.Join = nil
	if text == "none" { // an empty list of the file
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		address, err := memberAddress(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		c.Join = append(c.Join, address)
	}
	return nil
}

// memberAddress adds the default port to an address that has none.
func memberAddress(word string) (string, error) {
	host, port, err := net.SplitHostPort(word)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(word, "["), "]"), strconv.Itoa(cluster.DefaultPort)
		if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":[]") {
			return "", fmt.Errorf("%q is not an address: write HOST or HOST:PORT", word)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q is not a port: it is a number from 1 to 65535", port)
	}
	if host == "" {
		return "", fmt.Errorf("%q names no host: write HOST or HOST:PORT", word)
	}
	return net.JoinHostPort(host, port), nil
}

func setWriteConcern(c *Config, text string) error {
	switch level := engine.Durability(text); level {
	case engine.DurableLocal, engine.DurableOne, engine.DurableMajority:
		c.WriteConcern = level
		return nil
	}
	return fmt.Errorf("%q is not local, one or majority", text)
}
