package main

import (
	"math/rand/v2"
	"strings"
)

// chatter draws what people say, the same after each start. A page of it has to
// be as hard to compress as one of a chat: few words are most of what is said,
// and no sentence comes twice.
type chatter struct{ rand *rand.Rand }

func newChatter() *chatter { return &chatter{rand.New(rand.NewPCG(2026, 1))} }

// say returns so many bytes of ASCII, which JSON needs no escapes for.
func (c *chatter) say(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(c.word())
		b.WriteString(c.pause())
	}
	return b.String()[:size]
}

// word prefers the list's beginning, as speech does.
func (c *chatter) word() string {
	share := c.rand.Float64()
	return vocabulary[int(share*share*float64(len(vocabulary)))]
}

func (c *chatter) pause() string {
	switch n := c.rand.IntN(20); {
	case n == 0:
		return ". "
	case n == 1:
		return ", "
	case n == 2:
		return "? "
	}
	return " "
}

// vocabulary is the common first.
var vocabulary = strings.Fields(`
the I to you it a and that is of in we for on have this but not be with do can if so are just was at what they
there all or will when my me like no yes know one now out up get your about how from see then think would more
some time good here right could go them by an who need sorry thanks should work make want because did has still
really back well too sure why where other today maybe any only new than please let us tomorrow look does our over
first thing same way after again before say said people he she her his him their its never always something day
week morning server release build test branch review page error message issue fix fixed deploy code change line
file data user users client request answer queue cache memory disk network node cluster version customer team
meeting call later soon already yesterday tonight hour minute minutes second month year half next last long short
small large big little old fast slow quick early late easy hard open closed broken ready done clean wrong true
better best worse much many few less most enough every each both another else even though while until since
between under without against through during inside around behind above below along near far away down off
read write find found try tried keep kept leave left start started stop stopped run running send sent show
shown tell told ask asked help helped use used wait waiting check checked move moved turn take took taken give
given put set bring brought come came gone seen heard feel felt hold held meet met pay paid learn learned buy
lunch coffee tea dinner kitchen office desk door window train bus street car bike weather rain snow sun wind
house garden music film book letter picture paper number list table report chart budget plan project design
product market price order ticket invoice account password login screen button keyboard phone laptop battery
cable printer light noise room floor corner city country school doctor friend family brother sister mother
father child birthday weekend holiday summer winter spring autumn monday tuesday wednesday thursday friday
saturday sunday march june october probably actually exactly almost quite rather simply perhaps anyway instead
together especially usually sometimes often twice once hello welcome congratulations brilliant lovely strange
weird funny boring careful certain clear common different difficult famous fine free full great happy heavy
important interesting kind nice possible quiet serious similar simple special strong sweet terrible tired useful
`)
