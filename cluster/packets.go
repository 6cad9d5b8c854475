package cluster

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
)

// A gossip packet, as memberlist encrypts it: version (1), nonce, ciphertext with tag.
const (
	packetVersion = 1
	packetNonce   = 12
	packetTag     = 16
	packetMin     = 1 + packetNonce + 1 + packetTag
)

// PacketCh brings memberlist the packets that are authentic.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// WriteTo sends a packet of memberlist's.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := packetAddress(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = t.udp.WriteToUDPAddrPort(b, to)
	return time.Now(), err
}

// WriteToAddress is WriteTo; names do not matter here.
func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, a.Addr)
}

func packetAddress(addr string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		found, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("packet to %s: %w", addr, err)
		}
		at = found.AddrPort()
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
}

// receiveAll reads packets until Shutdown.
func (t *transport) receiveAll() {
	packet, scratch := make([]byte, maxPacket), make([]byte, 0, maxPacket)
	var wait time.Duration
	for {
		n, from, err := t.udp.ReadFromUDPAddrPort(packet)
		if err != nil {
			if wait, err = t.pause(wait, err); err != nil {
				return
			}
			continue
		}
		wait = 0
		t.receive(packet[:n], scratch, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// receive passes one packet on, unless it is a stranger's, or memberlist is behind.
func (t *transport) receive(packet, scratch []byte, from netip.AddrPort) {
	if !t.authentic(packet, scratch) {
		t.refused.add(hostOfIP(from.Addr()), errBadPacket)
		return
	}
	p := &memberlist.Packet{
		Buf:       bytes.Clone(packet),
		From:      net.UDPAddrFromAddrPort(from),
		Timestamp: time.Now(), // memberlist takes its own clock's difference to it
	}
	select {
	case t.packets <- p:
	default: // gossip bears lost packets
	}
}

// authentic reports whether a member encrypted a packet. memberlist finds that
// out itself, but it makes a log line of each one that is not, and trusts the
// version, which is not authenticated: version 0 of an otherwise genuine
// packet has it strip padding that is not there, and panic.
func (t *transport) authentic(packet, scratch []byte) bool {
	if len(packet) < packetMin || packet[0] != packetVersion {
		return false
	}
	nonce, sealed := packet[1:1+packetNonce], packet[1+packetNonce:]
	_, err := t.opener.Open(scratch[:0], nonce, sealed, nil)
	return err == nil
}
