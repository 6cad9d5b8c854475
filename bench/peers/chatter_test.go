package main

import (
	"bytes"
	"compress/gzip"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestChatter(t *testing.T) {
	a, b := newChatter(), newChatter()
	said := map[string]bool{}
	for _, size := range []int{0, 1, 2, 199, 200, 200, 200, 1000} {
		text := a.say(size)
		if other := b.say(size); text != other {
			t.Errorf("said %q and %q after the same start", text, other)
		}
		if len(text) != size || strings.Trim(text, "abcdefghijklmnopqrstuvwxyzI,.? ") != "" {
			t.Errorf("%d bytes are %q", size, text)
		}
		if size > 100 && said[text] {
			t.Errorf("said twice: %q", text)
		}
		said[text] = true
	}
}

func TestVocabulary(t *testing.T) {
	words := slices.Sorted(slices.Values(vocabulary))
	for i, word := range words {
		if !regexp.MustCompile(`^([a-z]+|I)$`).MatchString(word) || i > 0 && word == words[i-1] {
			t.Errorf("%q is no word, or twice there", word)
		}
	}
}

// gzip makes about two fifths of English chat in pieces of ten kilobytes.
func TestChatterCompresses(t *testing.T) {
	var said, coded bytes.Buffer
	for c := newChatter(); said.Len() < pageSize*200; {
		said.WriteString(c.say(200))
	}
	z := gzip.NewWriter(&coded)
	z.Write(said.Bytes())
	z.Close()
	if ratio := float64(coded.Len()) / float64(said.Len()); ratio < 0.35 || ratio > 0.55 {
		t.Errorf("%d bytes become %d", said.Len(), coded.Len())
	}
}
