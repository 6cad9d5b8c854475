package cli

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/klatch-chat/klatch/cluster"
)

// I6: however many nodes there were, the metrics of one stay a page.
func TestClusterLabelsAreBounded(t *testing.T) {
	var v clusterView
	for i := range 10 * maxLabels {
		id := fmt.Sprintf("%016x", i)
		v.stats.Links = append(v.stats.Links, cluster.LinkStats{Peer: id})
		v.stats.Origins = append(v.stats.Origins, cluster.OriginStats{Origin: id, Events: uint64(i), Age: time.Duration(i) * time.Second})
		v.peers = append(v.peers, cluster.Member{Node: id})
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(&collector[clusterView]{func() clusterView { return v }, clusterFigures})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); n > 2*maxLabels {
			t.Errorf("%s has %d values", f.GetName(), n)
		}
	}
	origins := fewOrigins(v.stats.Origins)
	last, rest := origins[maxLabels-1], 10*maxLabels-(maxLabels-1)
	if origins[0].Events != 10*maxLabels-1 || last.Origin != otherLabel || last.Events != uint64(rest*(rest-1)/2) || last.Age != time.Duration(rest-1)*time.Second {
		t.Errorf("first %+v, last %+v of %d", origins[0], last, len(origins))
	}
}
