package cli

import (
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func banCommand() *cli.Command {
	return group("ban", "keep users and addresses out", "ban add mallory --reason spam --for 30d",
		banAddCommand(), banListCommand(), banRemoveCommand())
}

// adminBan keeps a user or a network out.
type adminBan struct{ engine.Ban }

// newBan asks for one.
type newBan struct {
	User    string      `json:"user,omitempty"`
	Network string      `json:"network,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Until   engine.Time `json:"until,omitzero"`
}

// banned is who is banned, in words: the id of a user says nothing to people.
func (e *errand) banned(b *adminBan) string {
	if b.Network != "" {
		return b.Network
	}
	u, err := fetch[adminAccount](e, the("user", b.User.String()))
	if err != nil {
		return b.User.String()
	}
	return u.Username
}

func (b *adminBan) kind() string {
	if b.Network != "" {
		return "address"
	}
	return "user"
}

func (b *adminBan) end() string {
	if b.Until == 0 {
		return "for ever"
	}
	return moment(b.Until)
}

var banColumns = []column[adminBan]{
	{"KIND", (*adminBan).kind},
	{"SINCE", func(b *adminBan) string { return moment(b.CreatedAt) }},
	{"UNTIL", (*adminBan).end},
	{"BY", func(b *adminBan) string { return byWhom(b.By) }},
	{"REASON", func(b *adminBan) string { return b.Reason }},
}

func addressFlag() cli.Flag {
	return &cli.StringFlag{Name: "address", Usage: "an `ADDRESS` or network instead of a user: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32"}
}

// bannedOf is whom a command line means: the user that it names, or --address.
func bannedOf(e *errand) (b newBan, err error) {
	b.User = e.Args().First()
	text := e.String("address")
	if (b.User != "") == (text != "") {
		return b, usageErrorf(e.Context, "name a USER or an --address, not both")
	}
	if text == "" {
		return b, nil
	}
	network, err := parseBanned(text)
	if err != nil {
		return b, usageErrorf(e.Context, "--address: %w", err)
	}
	b.Network = network.String()
	return b, nil
}

// parseBanned reads an address, which is a network of one, or a network.
func parseBanned(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no address and no network: write 203.0.113.7 or 203.0.113.0/24", text)
	}
	if p.Masked() != p {
		return p, fmt.Errorf("%s is an address in the network %s: write the one that you mean", text, p.Masked())
	}
	return p, nil
}

func banAddCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "add", Usage: "keep a user or an address out: sessions end at once", ArgsUsage: "[USER]",
		Description: "A user reads the reason when he is refused. For ever, unless --for or --until is given.\n\n" +
			"Examples:\n   klatch admin ban add mallory --reason spam --for 30d\n   klatch admin ban add --address 203.0.113.0/24",
		Flags: []cli.Flag{
			addressFlag(),
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` that the banned user is told"},
			&cli.StringFlag{Name: "for", Usage: "how long: a `TIME` such as 12h or 30d"},
			&cli.StringFlag{Name: "until", Usage: "a `TIME` to come: 2030-01-31 or 2030-01-31T12:00:00Z"},
		},
	}, addBan)
}

func addBan(e *errand) error {
	b, err := bannedOf(e)
	if err != nil {
		return err
	}
	b.Reason = e.String("reason")
	if b.Until, err = banEnd(e.Context, time.Now()); err != nil {
		return err
	}
	answer, err := e.node.call(e.Context.Context, "POST", all("bans").naming("user", b.User), b)
	if err != nil {
		return err
	}
	return tell(e, answer, func(w io.Writer, made *adminBan) error {
		_, err := fmt.Fprintf(w, "%s is banned %s\n", printable(b.whom()), made.term())
		return err
	})
}

func (b *adminBan) term() string {
	if b.Until == 0 {
		return b.end()
	}
	return "until " + b.end()
}

// banEnd is when a ban is to end; 0 for never.
func banEnd(c *cli.Context, now time.Time) (engine.Time, error) {
	span, err := spanFlag(c, "for")
	if err != nil {
		return 0, err
	}
	switch {
	case c.IsSet("for") && c.IsSet("until"):
		return 0, usageErrorf(c, "--for and --until exclude each other")
	case span > 0:
		return engine.Time(now.Add(span).UnixMilli()), nil
	case !c.IsSet("until"):
		return 0, nil
	}
	end, err := momentFlag(c, "until")
	if err == nil && end.Std().Before(now) {
		return 0, usageErrorf(c, "--until: %s has passed: --for is a time from now on", moment(end))
	}
	return end, err
}

func banListCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "list", Usage: "list who is kept out",
		Description: "Example:\n   klatch admin ban list",
	}, func(e *errand) error {
		return writeList(e, all("bans").onePage(), append([]column[adminBan]{
			{"BANNED", func(b *adminBan) string { return e.banned(b) }},
		}, banColumns...))
	})
}

func banRemoveCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "remove", Usage: "let a user or an address in again", ArgsUsage: "[USER]",
		Description: "Examples:\n   klatch admin ban remove mallory\n   klatch admin ban remove --address 203.0.113.0/24",
		Flags:       []cli.Flag{addressFlag()},
	}, func(e *errand) error {
		b, err := bannedOf(e)
		if err != nil {
			return err
		}
		from := all("bans").query(url.Values{b.parameter(): {b.whom()}}).naming("ban of", b.whom())
		return e.change("DELETE", from, nil, "%s is no longer banned", b.whom())
	})
}

// whom is who is meant, as the command line names him.
func (b *newBan) whom() string {
	if b.Network != "" {
		return b.Network
	}
	return b.User
}

// parameter names the ban in the query of the API.
func (b *newBan) parameter() string {
	if b.Network != "" {
		return "network"
	}
	return "user"
}
