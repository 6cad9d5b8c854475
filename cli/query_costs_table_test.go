package cli

import (
	"fmt"
	"strings"
)

// markdown writes the table.
func (table costTable) markdown(w *costWorld) string {
	var b strings.Builder
	command := "go test ./cli -run TestQueryCosts -v"
	if *costMessages > 0 {
		command = fmt.Sprintf("go test ./cli -run TestQueryCosts -queries.rooms %d -queries.messages %d -v", len(w.rooms), w.size.messages)
	}
	fmt.Fprintf(&b, "`%s`: %d messages in %d rooms (%d in the deepest), %d reactions, a room of %d members, a user in %d rooms; memory %s.\n",
		command, w.posts, len(w.rooms), len(w.deep), w.reactions, w.size.members, costList, w.disk.memory)
	b.WriteString("Cold is the first request after the store was opened, warm the same again once the cache of records has what it needs; " +
		"the cache of answers is passed by, except where the row names it. Seeks: iterators placed, and keys looked up. Steps: keys that were stepped to from there / steps that Pebble made for those. " +
		"Blocks: looked into / read from the disk. What a write reads inside its batch counts for the blocks alone.\n\n")
	b.WriteString("| operation | request | items | seeks cold, warm | steps cold | steps warm | blocks cold | blocks warm | beyond 2 steps an item, and up to |\n")
	b.WriteString("| --- | --- | --: | --: | --: | --: | --: | --: | --- |\n")
	for i := range table {
		r := &table[i]
		fmt.Fprintf(&b, "| %s %s | %s | %d | %d, %d | %d / %d | %d / %d | %d / %d | %d / %d | %s |\n",
			r.call.method, r.op, r.what, r.cold.items, r.cold.seeks, r.warm.seeks, r.cold.steps, r.cold.inner, r.warm.steps, r.warm.inner,
			r.cold.blocks, r.cold.disk, r.warm.blocks, r.warm.disk, r.excuse())
	}
	return b.String()
}

// excuse is why a row may step over more than others, empty if it does not.
func (r *costResult) excuse() string {
	if r.first+r.always == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d", r.why, r.first+r.always)
}
