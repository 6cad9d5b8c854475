package engine

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PasswordCost is the work of one Argon2id hash (RFC 9106).
type PasswordCost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// DefaultPasswordCost is OWASP's first choice for Argon2id: 19 MiB, two passes.
// Two hashes run at a time at the most, so sign-ins never take more than 38 MiB.
var DefaultPasswordCost = PasswordCost{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1}

const (
	passwordSalt    = 16 // bytes
	passwordKey     = 32
	passwordAtOnce  = 2
	minPasswordLen  = 8
	maxPasswordLen  = 256
	maxPasswordCost = 1 << 20 // KiB; a stored hash that asks for more is damaged
)

var (
	errPasswordHash = errors.New("malformed password hash")
	phcEncoding     = base64.RawStdEncoding
)

// passwords hashes and checks, a few at a time.
type passwords struct {
	cost  PasswordCost
	rand  io.Reader
	slots chan struct{}
	dummy string // checked against when there is no such user, so that both take as long
}

func newPasswords(cost PasswordCost, rand io.Reader) (*passwords, error) {
	p := &passwords{cost: cost, rand: rand, slots: make(chan struct{}, passwordAtOnce)}
	var err error
	p.dummy, err = p.hash("")
	return p, err
}

// hash returns the PHC string of a password with a new salt.
func (p *passwords) hash(password string) (string, error) {
	salt := make([]byte, passwordSalt)
	if _, err := io.ReadFull(p.rand, salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	key := p.derive(password, salt, p.cost, passwordKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.MemoryKiB, p.cost.Passes,
		p.cost.Lanes, phcEncoding.EncodeToString(salt), phcEncoding.EncodeToString(key)), nil
}

// check reports whether a password is the one hashed. An empty hash matches none.
func (p *passwords) check(password, phc string) bool {
	valid := phc != ""
	if !valid {
		phc = p.dummy
	}
	cost, salt, want, err := parsePHC(phc)
	if err != nil {
		return false
	}
	got := p.derive(password, salt, cost, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && valid
}

func (p *passwords) derive(password string, salt []byte, c PasswordCost, n uint32) []byte {
	p.slots <- struct{}{}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), salt, c.Passes, c.MemoryKiB, c.Lanes, n)
}

// parsePHC reads "$argon2id$v=19$m=,t=,p=$salt$key".
func parsePHC(s string) (c PasswordCost, salt, key []byte, err error) {
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errPasswordHash
	}
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Lanes); err != nil {
		return c, nil, nil, errPasswordHash
	}
	salt, err1 := phcEncoding.DecodeString(f[4])
	key, err2 := phcEncoding.DecodeString(f[5])
	if err1 != nil || err2 != nil || len(key) < 16 || len(key) > 64 || len(salt) < 8 ||
		c.Passes == 0 || c.Passes > 64 || c.Lanes == 0 || c.MemoryKiB > maxPasswordCost {
		return c, nil, nil, errPasswordHash
	}
	return c, salt, key, nil
}
