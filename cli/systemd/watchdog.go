package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// WatchdogInterval is how long the manager waits for a sign of life before it
// starts the service again; 0 where it does not.
func WatchdogInterval(getenv func(string) string, pid int) (time.Duration, error) {
	text := getenv("WATCHDOG_USEC")
	if text == "" {
		return 0, nil
	}
	if of := getenv("WATCHDOG_PID"); of != "" && of != strconv.Itoa(pid) {
		return 0, nil // meant for another process
	}
	usec, err := strconv.ParseInt(text, 10, 64)
	if err != nil || usec <= 0 || usec > int64(1000*time.Hour/time.Microsecond) {
		return 0, fmt.Errorf("WATCHDOG_USEC=%s is no time", text)
	}
	return time.Duration(usec) * time.Microsecond, nil
}

// Watch gives a sign of life at half of the interval for as long as healthy
// says so within a quarter of it, until stop, which waits. A service that is not
// healthy says nothing, and the manager acts.
func (n *Notifier) Watch(interval time.Duration, healthy func(context.Context) error, log *slog.Logger) (stop func()) {
	if n == nil || interval <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() {
		beat := time.NewTicker(interval / 2)
		defer beat.Stop()
		for {
			select {
			case <-beat.C:
				n.beat(ctx, interval/4, healthy, log)
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		worker.Wait()
	}
}

func (n *Notifier) beat(ctx context.Context, patience time.Duration, healthy func(context.Context) error, log *slog.Logger) {
	look, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := healthy(look)
	if err == nil {
		err = n.alive()
	}
	if err != nil && ctx.Err() == nil {
		log.Error("no sign of life for the service manager, which will start this node again", "err", err)
	}
}
