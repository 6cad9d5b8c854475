package cli_test

import (
	"maps"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// The checker is no good unless it finds what is wrong: each record here has one
// thing wrong with it or none, and must be found guilty of that and nothing else.
func TestI5RecoveryRecord(t *testing.T) {
	const a, b = engine.Origin(1), engine.Origin(2)
	id := func(stamp engine.Stamp, o engine.Origin) engine.ID { return engine.MakeID(stamp, o) }
	one, two, three, other := id(1, a), id(2, a), id(4, a), id(3, b)
	for name, c := range map[string]struct {
		live  func(r *recoveryRecord)
		crime string
	}{
		"all as told":           {func(r *recoveryRecord) { tell(r, two, other, three) }, ""},
		"another node's late":   {func(r *recoveryRecord) { tell(r, two, three, other) }, ""},
		"the last one missed":   {func(r *recoveryRecord) { tell(r, two, other) }, crimeMissed},
		"a repeat":              {func(r *recoveryRecord) { tell(r, two, other); r.connected(true, false, true); tell(r, two, three) }, ""},
		"twice on a connection": {func(r *recoveryRecord) { tell(r, two, other, other, three) }, crimeDoubled},
		"repeats in disorder": {func(r *recoveryRecord) {
			tell(r, two, other, three)
			r.connected(true, false, true)
			tell(r, three, two)
		}, crimeDisorder},
		"a gap that history has": {func(r *recoveryRecord) { tell(r, other, three); lose(r); read(r, one, two, other, three) }, crimeGap},
		"a gap that was told":    {func(r *recoveryRecord) { tell(r, other); lose(r); tell(r, three); read(r, one, two, other, three) }, ""},
		"a gap and half a page":  {func(r *recoveryRecord) { tell(r, other); lose(r); tell(r, three); r.fill([]engine.ID{other, three}) }, crimeMissed},
		"history and no reset":   {func(r *recoveryRecord) { r.connected(true, false, false); r.event(); tell(r, two, other, three) }, crimeUntold},
		"a stranger recovered":   {func(r *recoveryRecord) { r.connected(true, true, true); tell(r, two, other, three) }, crimeMisled},
		"a message of nobody":    {func(r *recoveryRecord) { tell(r, two, other, three, id(5, b)) }, crimeInvented},
		"a repeat taken back":    {func(r *recoveryRecord) { tell(r, two, other, three, id(5, b)); r.hide(id(5, b)) }, ""},
		"a message taken back":   {func(r *recoveryRecord) { tell(r, two, other, three); r.hide(other) }, crimeMissed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecoveryRecord()
			r.connected(false, false, false)
			tell(&r, one)
			c.live(&r)
			got := map[string]bool{}
			r.judge(&recoveryTruth{ids: []engine.ID{one, two, other, three}}, func(crime, _ string) { got[crime] = true })
			want := map[string]bool{}
			if c.crime != "" {
				want[c.crime] = true
			}
			if !maps.Equal(got, want) {
				t.Errorf("guilty of %v, want %v", got, want)
			}
		})
	}
}

func tell(r *recoveryRecord, ids ...engine.ID) {
	for _, id := range ids {
		r.event()
		r.message(id)
	}
}

// lose is a return that is not recovered, and says so.
func lose(r *recoveryRecord) {
	r.connected(true, false, false)
	r.reset("for the test")
}

func read(r *recoveryRecord, ids ...engine.ID) {
	r.fill(ids)
	r.filled()
}
