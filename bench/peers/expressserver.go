package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

// express starts Express with a worker for each core, and what it stands on.
func (r *running) express(ctx context.Context) error {
	secret := make([]byte, 32)
	rand.Read(secret)
	r.secret = []byte(hex.EncodeToString(secret))
	// PostgreSQL's initdb wants the directory empty; Redis makes its socket in it afterwards.
	database, err := r.postgres(ctx)
	if err != nil {
		return err
	}
	socket, err := r.redis(ctx)
	if err != nil {
		return err
	}
	if err := r.node(ctx, r.files.express, "--redis", socket, "--postgres", r.dir); err != nil {
		return err
	}
	workers := children(r.pids[len(r.pids)-1])
	r.pids = append(append(r.pids, workers...), children(database.pid())...) // and one for each of their connections
	return nil
}
