package cli

import (
	"bytes"
	"fmt"
	"strconv"
)

// recipe is what a node was told, in its own words, for a backup to keep.
type recipe struct {
	file     []byte // of --config, as it stood at the start
	settings []byte // all but the data directory, secrets too, as such a file
}

// note adds a setting. The text is quoted unless the file must have a number.
func (r *recipe) note(s *setting, text string) {
	if s.name == "data" { // a restored node has another
		return
	}
	if s.shape != countShape {
		text = strconv.Quote(text)
	}
	r.settings = fmt.Appendf(r.settings, "%s: %s\n", s.name, text)
}

// files are the configuration files of a backup.
func (r recipe) files() map[string][]byte {
	files := map[string][]byte{}
	if r.settings != nil {
		files["settings.yaml"] = bytes.Clone(r.settings)
	}
	if r.file != nil {
		files["file.yaml"] = bytes.Clone(r.file)
	}
	return files
}

// Format keeps the secrets out of every verb of fmt.
func (r recipe) Format(s fmt.State, _ rune) { fmt.Fprint(s, "(recipe)") }
