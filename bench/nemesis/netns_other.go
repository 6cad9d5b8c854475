//go:build !linux

package nemesis

import "errors"

func openNetns(int) (Network, error) {
	return nil, errors.New("network namespaces need Linux")
}
