package cli

import (
	"slices"
	"strings"
)

// secretFlag reads a secret given as a flag at the beginning of args: its name,
// its value, and how many words both take; 0 where there is none.
func secretFlag(args []string) (name, value string, words int) {
	flag, value, assigned := strings.Cut(args[0], "=")
	name, ok := strings.CutPrefix(flag, "-")
	name = strings.TrimPrefix(name, "-")
	switch s := findSetting(name); {
	case !ok || s == nil || s.shape != secretShape:
		return "", "", 0
	case assigned:
		return name, value, 1
	case len(args) > 1:
		return name, args[1], 2
	}
	return "", "", 0
}

// HideSecrets moves secrets from arguments, which everybody on the machine can
// see, to the environment, which only the user of the process can. It is for who
// starts the program again.
func HideSecrets(args, environ []string) (shownArgs, fullEnviron []string) {
	for len(args) > 0 {
		name, value, words := secretFlag(args)
		if words == 0 || value == "" {
			shownArgs, args = append(shownArgs, args[0]), args[1:]
			continue
		}
		variable := envName(name) + "="
		environ = slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, variable) })
		environ = append(environ, variable+value)
		args = args[words:]
	}
	return shownArgs, environ
}

// maskSecrets returns arguments with the word SECRET for each secret.
func maskSecrets(args []string) (shown []string) {
	for len(args) > 0 {
		name, _, words := secretFlag(args)
		switch words {
		case 0:
			shown, args = append(shown, args[0]), args[1:]
		case 1:
			shown, args = append(shown, args[0][:strings.Index(args[0], name)+len(name)]+"=SECRET"), args[1:]
		case 2:
			shown, args = append(shown, args[0], "SECRET"), args[2:]
		}
	}
	return shown
}
