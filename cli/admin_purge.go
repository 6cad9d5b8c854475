package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

// purgeRequest is one step of a purge: which messages, and where to go on.
type purgeRequest struct {
	User   string      `json:"user,omitempty"`
	Room   string      `json:"room,omitempty"`
	After  engine.Time `json:"after,omitzero"`
	Before engine.Time `json:"before,omitzero"`
	DryRun bool        `json:"dry_run,omitempty"`
	Cursor string      `json:"cursor,omitempty"`
}

func messagePurgeCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "purge", Usage: "delete the messages of a user, of a room or of a time",
		Description: "A message goes when all that is given holds for it. Those that are written while the command runs stay, unless --before says otherwise. " +
			"The same command goes on where an interrupted one stopped.\n\n" +
			"Examples:\n   klatch admin message purge --user mallory --after 2026-01-31 --dry-run\n   klatch admin message purge --room lobby --before 365d --yes",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "user", Usage: "messages of `USER`"},
			&cli.StringFlag{Name: "room", Usage: "messages in `ROOM`"},
			&cli.StringFlag{Name: "after", Usage: "messages since `TIME`: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 12h, 30d"},
			&cli.StringFlag{Name: "before", Usage: "messages before `TIME`, written likewise"},
		}, destroyFlags()...),
	}, purgeMessages)
}

func purgeMessages(e *errand) error {
	in, err := purgeOf(e)
	if err != nil {
		return err
	}
	yes, err := e.sure("delete all messages %s", in)
	if err != nil || !yes && !in.DryRun {
		return err
	}
	done, err := e.purge(in)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(done)
	if err != nil || e.Bool("json") {
		fmt.Fprintf(e.App.Writer, "%s\n", answer)
		return err
	}
	if in.DryRun {
		return e.say("%d messages would be deleted", done.Deleted)
	}
	return e.say("%d messages are deleted", done.Deleted)
}

func purgeOf(e *errand) (in purgeRequest, err error) {
	in = purgeRequest{User: e.String("user"), Room: e.String("room"), DryRun: e.Bool("dry-run")}
	if in.After, err = momentFlag(e.Context, "after"); err != nil {
		return in, err
	}
	if in.Before, err = momentFlag(e.Context, "before"); err != nil {
		return in, err
	}
	switch {
	case e.IsSet("user") && in.User == "", e.IsSet("room") && in.Room == "":
		return in, usageErrorf(e.Context, "an empty --user or --room means nobody and nothing: leave it away, or name one")
	case in == purgeRequest{DryRun: in.DryRun}:
		return in, usageErrorf(e.Context, "say which messages: --user, --room, --after, --before")
	case in.After != 0 && in.Before != 0 && in.After >= in.Before:
		return in, usageErrorf(e.Context, "--after is not earlier than --before: no message is meant")
	case in.Before == 0:
		in.Before = engine.Time(time.Now().UnixMilli())
	}
	return in, nil
}

// String is for people who are asked whether they mean it.
func (p purgeRequest) String() string {
	var s string
	for _, part := range []struct{ word, value string }{
		{"of", p.User}, {"in", p.Room},
	} {
		if part.value != "" {
			s += part.word + " " + part.value + " "
		}
	}
	if p.After != 0 {
		s += "since " + moment(p.After) + " "
	}
	return s + "before " + moment(p.Before)
}

// purgeEnd is what a whole purge did.
type purgeEnd struct {
	Scanned int `json:"scanned"`
	Deleted int `json:"deleted"`
}

// purge takes step after step until there is none left.
func (e *errand) purge(in purgeRequest) (done purgeEnd, err error) {
	ctx, stop := interruptible(e.Context)
	defer stop()
	progress := newProgress(e.App.ErrWriter)
	defer progress.end()
	for {
		step, err := e.purgeStep(ctx, in)
		if errors.Is(err, context.Canceled) {
			return done, fmt.Errorf("interrupted after %d messages: the same command goes on from there", done.Deleted)
		}
		if err != nil && done.Scanned > 0 {
			err = fmt.Errorf("after %d messages: %w", done.Deleted, err)
		}
		if err != nil {
			return done, err
		}
		done.Scanned += step.Scanned
		done.Deleted += step.Deleted
		progress.show(reached{what: fmt.Sprintf("purge, %d to delete", done.Deleted), done: uint64(done.Scanned), unit: "messages"})
		switch {
		case step.Next == nil:
			return done, nil
		case *step.Next == in.Cursor:
			return done, errNoProgress
		}
		in.Cursor = *step.Next
	}
}

func (e *errand) purgeStep(ctx context.Context, in purgeRequest) (step engine.PurgeStep, err error) {
	answer, err := e.node.call(ctx, "POST", all("purge").naming("user", in.User).naming("room", in.Room), in)
	if err != nil {
		return step, err
	}
	if err := json.Unmarshal(answer, &step); err != nil {
		return step, fmt.Errorf("read the node's answer: %w", err)
	}
	return step, nil
}
