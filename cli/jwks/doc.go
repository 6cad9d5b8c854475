// Package jwks keeps the public keys of an issuer of JWTs, as that publishes
// them in a JWK Set (RFC 7517) at an https URL.
//
// A Source fetches the set when it is opened, again when its Cache-Control
// says so (within a minute and an hour; every ten minutes where it says nothing),
// and when a token names a key that is not in it: that is how issuers rotate.
// Strangers can make up such names, so what they cause is bounded: one fetch at a
// time and one in ten seconds, however many ask; five seconds and 256 KiB
// for it; and 256 who wait for it, past which the answer is ErrNoAnswer at once.
//
// What a fetch brings replaces all that was there, so that a key that the issuer
// has withdrawn is gone. What it cannot bring changes nothing: while the issuer is
// down, or answers with what is no JWK Set or holds no key of use, the last
// good set counts. A node may start while its issuer is down.
//
// The key says which algorithms it may verify, never the token: an RSA key RS256
// to PS512, a P-256 key ES256, a P-384 key ES384, an Ed25519 key EdDSA (RFC 7518,
// RFC 8037), less where the key's own alg names one. Symmetric keys are not read:
// nobody publishes a secret.
//
// The alternative that lost is github.com/MicahParks/keyfunc. It would save the
// reading of three kinds of keys, which the standard library makes short, and its
// fetching is not bounded in bytes, knows no Cache-Control, and ends without
// being waited for.
package jwks
