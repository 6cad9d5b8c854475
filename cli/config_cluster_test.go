package cli

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

var testKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

func TestClusterAddress(t *testing.T) {
	for _, test := range []struct {
		given values
		addr  string
		join  []string
	}{
		{values{"cluster-addr": "off"}, "", nil},
		{values{"cluster-addr": "127.0.0.1:7946"}, "127.0.0.1:7946", nil},
		{values{"join": "127.0.0.1"}, "127.0.0.1:0", []string{"127.0.0.1:7946"}},
		{values{"join": "[::1]:7000, ::1,[::1]"}, "127.0.0.1:0", []string{"[::1]:7000", "[::1]:7946", "[::1]:7946"}},
		{values{"join": "127.0.0.1,node-b", "cluster-key": testKey}, ":7946", []string{"127.0.0.1:7946", "node-b:7946"}},
		{values{"join": "192.0.2.1:7000", "cluster-key": testKey}, ":7946", []string{"192.0.2.1:7000"}},
		{values{"join": "node-b", "cluster-addr": "192.0.2.2:7000", "cluster-key": testKey}, "192.0.2.2:7000", []string{"node-b:7946"}},
	} {
		c, err := load(test.given, nil)
		if err != nil || c.ClusterAddr != test.addr || !slices.Equal(c.Join, test.join) || c.clustered() != (test.addr != "") {
			t.Errorf("%v: at %q, joins %q, %v; want at %q, joins %q", test.given, c.ClusterAddr, c.Join, err, test.addr, test.join)
		}
	}
}

func TestClusterAddressErrors(t *testing.T) {
	for _, test := range []struct {
		given values
		want  string
	}{
		{values{"join": "192.0.2.1"}, "needs --cluster-key"},
		{values{"join": "localhost", "cluster-addr": ":7946"}, "needs --cluster-key"},
		{values{"cluster-addr": "127.0.0.1:7946", "cluster-advertise": "192.0.2.1:7946"}, "needs --cluster-key"},
		{values{"cluster-addr": "127.0.0.1:7946", "cluster-key": testKey, "join": "127.0.0.1,192.0.2.1"},
			"--join 192.0.2.1:7946 is another machine, and cannot reach --cluster-addr 127.0.0.1:7946"},
	} {
		if _, err := load(test.given, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want %s", test.given, err, test.want)
		}
	}
}

func TestClusterSettingsInTheFile(t *testing.T) {
	c, err := load(values{"config": writeConfig(t, "cluster-addr: ':7946'\njoin: [node-b, 'node-c:7000']\ncluster-key: "+testKey+"\nwrite-concern: majority\n")}, nil)
	if err != nil || c.ClusterAddr != ":7946" || !slices.Equal(c.Join, []string{"node-b:7946", "node-c:7000"}) || c.ClusterKey.IsZero() || c.WriteConcern != "majority" {
		t.Errorf("read as %+v, %v", c, err)
	}
	if c, err := load(values{"config": writeConfig(t, "join: []")}, nil); err != nil || c.clustered() {
		t.Errorf("an empty list joins %v, %v", c.Join, err)
	}
}
