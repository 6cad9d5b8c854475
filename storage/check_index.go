package storage

import (
	"github.com/klatch-chat/klatch/engine"
)

// checkIndexes reads the indexes that follow from posts.
func (c *inspection) checkIndexes() error {
	whole := true
	for _, index := range []struct {
		kind byte
		add  func(k *key, raw, value []byte)
	}{
		{kindNonce, c.noteClaims},
		{kindMention, c.noteMention},
		{kindReply, c.noteReply},
	} {
		all, err := c.each("indexes", []byte{index.kind}, func(raw, value []byte) error {
			k, err := parseKey(raw)
			if err != nil {
				c.found.malformed(raw)
				return nil
			}
			index.add(&k, raw, value)
			return nil
		})
		if err != nil {
			return err
		}
		whole = whole && all
	}
	c.indexesRead = whole
	return nil
}

// noteClaims notes who claims a nonce, and which of their messages are repeats.
func (c *inspection) noteClaims(k *key, raw, value []byte) {
	claims, err := parsePairs(value)
	if err != nil || !ordered(claims) {
		c.found.view(raw, isWrong, "it is no list of claims in order")
		return
	}
	var buf [512]byte
	for _, claim := range claims {
		c.nonces.actual.add(appendNonceEntry(buf[:0], k.ids[0], k.text, claim.a, claim.b))
	}
	if len(claims) == 1 {
		return
	}
	for _, ref := range repeats(claims) {
		c.hidden.expected.add(appendRef(buf[:0], ref.Room, ref.Message))
	}
}

// ordered tells whether claims are as claimNonce keeps them; none has no key.
func ordered(claims []idPair) bool {
	for i := 1; i < len(claims); i++ {
		if comparePair(claims[i-1], claims[i]) >= 0 {
			return false
		}
	}
	return len(claims) > 0
}

// repeats are the messages that claims hide.
func repeats(claims []idPair) (out []engine.MessageRef) {
	seen := shown(claims)
	for _, c := range claims {
		if len(seen) > 0 && seen[0] == c {
			seen = seen[1:]
			continue
		}
		out = append(out, engine.MessageRef{Room: c.b, Message: c.a})
	}
	return out
}

func (c *inspection) noteMention(k *key, raw, value []byte) {
	author, err := parseID(value)
	if err != nil {
		c.found.view(raw, isWrong, "it names no author")
		return
	}
	var buf [5 * idSize]byte
	c.mentions.actual.add(appendIDs(buf[:0], kindMention, k.ids[0], k.ids[1], k.ids[2], author))
}

func (c *inspection) noteReply(k *key, raw, value []byte) {
	if len(value) > 0 {
		c.found.view(raw, isWrong, "it has a value")
	}
	var buf [5 * idSize]byte
	c.replies.actual.add(appendIDs(buf[:0], kindReply, k.ids[:]...))
}
