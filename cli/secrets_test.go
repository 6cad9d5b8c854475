package cli

import (
	"slices"
	"testing"
)

func TestSecretsLeaveTheArguments(t *testing.T) {
	for _, test := range []struct{ args, environ, wantArgs, wantEnviron, wantMasked []string }{
		{
			args:    []string{"klatch", "serve", "--cluster-key", "K", "--data", "x", "-auth-jwt-secret=a=b"},
			environ: []string{"A=1", "KLATCH_CLUSTER_KEY=old"},

			wantArgs:    []string{"klatch", "serve", "--data", "x"},
			wantEnviron: []string{"A=1", "KLATCH_CLUSTER_KEY=K", "KLATCH_AUTH_JWT_SECRET=a=b"},
			wantMasked:  []string{"klatch", "serve", "--cluster-key", "SECRET", "--data", "x", "-auth-jwt-secret=SECRET"},
		},
		{ // what has no value is left for the parser to complain about
			args: []string{"klatch", "serve", "--cluster-key=", "--cluster-key"},

			wantArgs:   []string{"klatch", "serve", "--cluster-key=", "--cluster-key"},
			wantMasked: []string{"klatch", "serve", "--cluster-key=SECRET", "--cluster-key"},
		},
	} {
		args, environ := HideSecrets(test.args, test.environ)
		if !slices.Equal(args, test.wantArgs) || !slices.Equal(environ, test.wantEnviron) {
			t.Errorf("%v becomes %v with %v", test.args, args, environ)
		}
		if got := maskSecrets(test.args); !slices.Equal(got, test.wantMasked) {
			t.Errorf("%v is shown as %v", test.args, got)
		}
	}
}
