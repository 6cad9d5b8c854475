package cli

import (
	"runtime/debug"
	"testing"
)

func TestVersionFrom(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	if v := versionFrom("v9", info); v.Version != "v9" || v.Revision != "abc" || !v.Modified {
		t.Errorf("linked: %+v", v)
	}
	if v := versionFrom("", info); v.Version != "v1.2.3" {
		t.Errorf("installed: %+v", v)
	}
	if v := versionFrom("", nil); v.Version != "(devel)" || v.Go == "" {
		t.Errorf("bare: %+v", v)
	}
}
