// Package web holds the built browser client. Its source is TypeScript in src;
// npm run build makes dist, which is committed so that building klatch needs no
// Node. Every file but index.html has its content's hash in its name.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Assets returns the built files: index.html and what it names.
func Assets() fs.FS {
	assets, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error()) // dist is a valid name
	}
	return assets
}
