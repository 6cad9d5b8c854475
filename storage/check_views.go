package storage

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// fromPosts are the kinds that are checked by other passes; all others are
// compared with the scratch, those that nobody has thought of yet too.
var fromPosts = map[byte]bool{
	kindLog: true, kindPosition: true, kindMessage: true, kindEarly: true,
	kindNonce: true, kindMention: true, kindReply: true, kindLocal: true,
}

// checkViews compares all that the scratch has derived with what the store holds.
func (c *inspection) checkViews() error {
	if err := c.checkLocal(); err != nil {
		return err
	}
	for kind := range 256 {
		if fromPosts[byte(kind)] || kind == 0xFF {
			continue
		}
		if err := c.checkKind(byte(kind)); err != nil {
			return err
		}
	}
	return nil
}

func (c *inspection) checkKind(kind byte) error {
	if !c.logRead {
		_, err := c.each("views", []byte{kind}, func([]byte, []byte) error { return nil })
		return err
	}
	f := c.found
	b := beside{
		only:    func(k, _ []byte) { f.view(k, isMissing, "the log asks for it") },
		other:   func(k, _ []byte) { f.view(k, isExtra, "no event asks for it") },
		differs: func(k, v, expected []byte) { f.view(k, isWrong, describe(k, v, expected)) },
	}
	lower, upper := bounds([]byte{kind})
	if err := b.open(c.scratch.s.db, span{lower, upper}); err != nil {
		return err
	}
	whole, err := c.each("views", []byte{kind}, func(k, v []byte) error { b.match(k, v); return nil })
	if cerr := b.close(whole && err == nil); err == nil {
		err = cerr
	}
	return err
}

// checkLocal looks at the node's own values that the store itself needs.
func (c *inspection) checkLocal() error {
	var format, origin bool
	whole, err := c.each("views", []byte{kindLocal}, func(raw, v []byte) error {
		switch name := string(raw[1 : len(raw)-1]); {
		case name == localFormat:
			n, err := parseCount(v)
			format = err == nil && n == formatVersion
		case name == localOrigin:
			origin = len(v) == 8 && binary.BigEndian.Uint64(v) != 0
		}
		return nil
	})
	if err != nil || !whole {
		return err
	}
	if !format {
		c.found.add(CodeLocal, localFormat, false, "the store's format is missing or another one")
	}
	if !origin {
		c.found.add(CodeLocal, localOrigin, false, "the node's id is missing or malformed")
	}
	return nil
}

// describe tells how a value differs. Only of counts it tells the values: others may be secrets.
func describe(raw, value, expected []byte) string {
	k, err := parseKey(raw)
	if err != nil {
		return ""
	}
	switch {
	case k.kind == kindAdmins || k.kind == kindMembers:
		return fmt.Sprintf("it says %s, and the log makes it %s", countText(value), countText(expected))
	case k.kind == kindMessage && k.sub == subReactions:
		return fmt.Sprintf("it says %s, and the log makes it %s", reactionText(value), reactionText(expected))
	}
	return "it is not what the log makes of it"
}

func countText(b []byte) string {
	n, err := parseCount(b)
	if err != nil {
		return "no number"
	}
	return fmt.Sprint(n)
}

func reactionText(b []byte) string {
	list, err := parseReactions(b)
	if err != nil {
		return "no counts"
	}
	var out []string
	for _, r := range list[:min(len(list), 8)] {
		out = append(out, fmt.Sprintf("%s %d", r.emoji, r.count))
	}
	return strings.Join(out, ", ")
}
