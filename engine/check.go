package engine

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName        = 64  // characters of a room's or user's name
	maxDisplayName = 100 // bytes
	maxTopic       = 1000
	maxNonce       = 64
	maxEmoji       = 64
	maxEmojis      = 50  // different emojis on one message
	maxMentions    = 20  // users named by one message
	maxLookups     = 100 // names of one message that are looked up: a body has room for thousands
)

// checkName holds the shape of the contract: 1 to 64 of a-z 0-9 - _ . and never the shape of an id.
func checkName(field, name string) error {
	if name == "" {
		return invalidField(field, "required", field+" is missing")
	}
	if len(name) > maxName {
		return invalidField(field, "too_long", fmt.Sprintf("%s may have %d characters", field, maxName))
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return invalidField(field, "malformed", field+" may hold a-z, 0-9, - _ and . only")
		}
	}
	if _, err := ParseID(name); err == nil {
		return invalidField(field, "malformed", field+" looks like an id; choose another")
	}
	if strings.Trim(name, ".") == "" {
		return invalidField(field, "malformed", field+" must hold more than dots") // "." and ".." vanish from URLs
	}
	return nil
}

// checkText holds a one-line text to its bounds in bytes: UTF-8, no control characters.
func checkText(field, s string, least, most int) error {
	switch {
	case len(s) < least:
		return invalidField(field, "required", field+" is missing")
	case len(s) > most:
		return invalidField(field, "too_long", fmt.Sprintf("%s may have %d bytes", field, most))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return invalidField(field, "malformed", field+" must be plain UTF-8 text without control characters")
	}
	return nil
}

// checkBody holds a message's body to its bounds.
func (e *Engine) checkBody(body string) error {
	switch {
	case len(body) > e.cfg.MaxMessage:
		return &Error{Code: CodeTooLarge, Message: fmt.Sprintf("a message may have %d bytes", e.cfg.MaxMessage),
			Fields: []FieldError{{"body", "too_long"}}}
	case !utf8.ValidString(body):
		return invalidField("body", "malformed", "body must be UTF-8")
	case strings.TrimSpace(body) == "":
		return invalidField("body", "required", "a message needs a body")
	}
	return nil
}

func checkEmoji(s string) error {
	if strings.ContainsFunc(s, unicode.IsSpace) || strings.Contains(s, "/") {
		return invalidField("emoji", "malformed", "emoji must hold no spaces and no slash")
	}
	return checkText("emoji", s, 1, maxEmoji)
}

func checkPassword(s string) error {
	switch {
	case len(s) < minPasswordLen:
		return invalidField("password", "too_short", fmt.Sprintf("a password needs %d characters", minPasswordLen))
	case len(s) > maxPasswordLen:
		return invalidField("password", "too_long", fmt.Sprintf("a password may have %d bytes", maxPasswordLen))
	}
	return nil
}

// firstError returns the first error of several checks.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
