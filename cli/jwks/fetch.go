package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The bounds of one fetch.
const (
	fetchPatience = 5 * time.Second
	maxSet        = 256 << 10 // bytes
	maxRedirects  = 3
	maxHeader     = 64 << 10
)

// How long a set counts as fresh.
const (
	freshByDefault = 10 * time.Minute
	freshAtLeast   = time.Minute
	freshAtMost    = time.Hour // a withdrawn key is believed no longer
)

// CheckURL refuses where keys cannot be had safely from: who can change the
// answer on its way can be any user. Plain http is for what does not leave the
// machine or its private network: loopback, a private address, or a name without
// a dot, as containers have.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return fmt.Errorf("%q is not a URL: write https://HOST/PATH", text)
	}
	return safe(u)
}

func safe(u *url.URL) error {
	switch {
	case u.User != nil:
		return errors.New("the URL must not hold a password")
	case u.Scheme == "https", u.Scheme == "http" && private(u.Hostname()):
		return nil
	}
	return fmt.Errorf("the keys of %s must come by https", u.Hostname())
}

func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	return host != "" && !strings.Contains(host, ".") && !numeric(host)
}

// numeric reports whether some resolvers take a name for an address (inet_aton(3)).
func numeric(host string) bool {
	_, err := strconv.ParseUint(host, 0, 64)
	return err == nil
}

// newClient returns a client that keeps no connection: the next fetch is minutes away.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	return &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return safe(r.URL)
	}}
}

// fetch returns the issuer's keys, and how long they are fresh.
func (s *Source) fetch(ctx context.Context) (keys []key, fresh time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := s.client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the issuer answers %s", resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxSet+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer: %w", err)
	}
	if len(data) > maxSet {
		return nil, 0, fmt.Errorf("the answer has more than %d KiB", maxSet>>10)
	}
	keys, err = parseSet(data)
	return keys, freshness(resp.Header), err
}

// freshness is how long an answer may be kept (RFC 9111, 5.2.2), within our bounds.
func freshness(h http.Header) time.Duration {
	fresh := freshByDefault
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return freshAtLeast
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				fresh = time.Duration(n)*time.Second - age(h)
			}
		}
	}
	return min(max(fresh, freshAtLeast), freshAtMost)
}

// age is how long a cache on the way has had the answer (RFC 9111, 5.1).
func age(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("Age"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
