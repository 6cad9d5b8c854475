package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/cluster"
)

var rewrite = flag.Bool("rewrite", false, "write the expected load balancers' configurations anew")

var manyMembers = []cluster.Member{
	{Node: "c000000000000003", State: cluster.StateSuspect, Public: "192.0.2.3:8080"},
	{Node: "a000000000000001", State: cluster.StateSelf, Public: "192.0.2.1:8080"},
	{Node: "b000000000000002", State: cluster.StateAlive, Public: "[2001:db8::2]:8080"},
	{Node: "d000000000000004", State: cluster.StateDead, Public: "192.0.2.4:8080"},
	{Node: "e000000000000005", State: cluster.StateLeaving, Public: "192.0.2.5:8080"},
	{Node: "e100000000000005", State: cluster.StateLeft, Public: "192.0.2.51:8080"},
	{Node: "f000000000000006", State: cluster.StateJoining},
}

func TestBalancerConfigurations(t *testing.T) {
	b, err := newBalancing(":80", manyMembers, 45*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range balancers {
		var got bytes.Buffer
		if err := b.write(&got, program); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "lb", program)
		if *rewrite {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got.String() != string(want) {
			t.Errorf("%s is not as in %s, %v:\n%s", program, golden, err, got.String())
		}
	}
}

func TestBalancing(t *testing.T) {
	b, err := newBalancing("127.0.0.1:8000", manyMembers, 4*time.Minute)
	if err != nil || b.Idle != 270 || b.Retries() != 2 || b.Listen() != "127.0.0.1:8000" || len(b.doubts()) != 0 {
		t.Errorf("%+v, %v, doubts %q", b, err, b.doubts())
	}
	if _, err := newBalancing(":80", manyMembers[3:], 0); err != errNoMembers {
		t.Errorf("without members: %v", err)
	}
	b, err = newBalancing(":80", []cluster.Member{{Node: "a", State: cluster.StateSelf, Public: "127.0.0.1:8080"}}, 0)
	if err != nil || len(b.doubts()) != 2 || !strings.Contains(b.doubts()[0], "only this machine reaches 127.0.0.1:8080") {
		t.Errorf("one on loopback: %v, doubts %q", err, b.doubts())
	}
}
