package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

// lookup returns the value given to a flag or an environment variable, if it was given.
type lookup func(name string) (string, bool)

// loadConfig merges what it is told: a flag beats the environment, that beats
// the file, that beats the default. An empty environment variable counts as
// unset, as container tools pass those on for want of a value.
func loadConfig(flags, environment lookup) (Config, error) {
	c, _, err := loadSettings(flags, environment)
	return c, err
}

// loadSettings is loadConfig that also tells what was written.
func loadSettings(flags, environment lookup) (c Config, written texts, err error) {
	file, text, err := configFile(flags, environment)
	if err != nil {
		return Config{}, nil, err
	}
	c.recipe.file = text
	written = texts{}
	for i := range settings {
		s := &settings[i]
		v, ok := s.find(flags, environment, file)
		if !ok {
			continue
		}
		if err := s.set(&c, v.text); err != nil {
			return Config{}, nil, fmt.Errorf("%s: %w", v.where, err)
		}
		written[s.name] = v.text
		c.recipe.note(s, v.text)
	}
	return c, written, c.finish()
}

func configFile(flags, environment lookup) (map[string]found, []byte, error) {
	name, ok := flags("config")
	if !ok {
		name, ok = environment(envName("config"))
	}
	if !ok || name == "" {
		return nil, nil, nil
	}
	return readConfigFile(name)
}

func (s *setting) find(flags, environment lookup, file map[string]found) (found, bool) {
	if text, ok := flags(s.name); ok {
		return found{text, "--" + s.name}, true
	}
	if text, ok := environment(s.env()); ok && text != "" {
		return found{text, s.env()}, true
	}
	if v, ok := file[s.name]; ok {
		return v, true
	}
	return found{s.fallback, "the default of --" + s.name}, s.fallback != ""
}

func contextConfig(c *cli.Context) (Config, texts, error) {
	flags := func(name string) (string, bool) { return c.String(name), c.IsSet(name) }
	config, written, err := loadSettings(flags, os.LookupEnv)
	if err != nil {
		return config, nil, usageErrorf(c, "%w", err)
	}
	return config, written, nil
}

// serveFlags makes the command's flags from the settings.
func serveFlags() []cli.Flag {
	flags := []cli.Flag{newSettingFlag(&setting{
		name: "config", value: "FILE", usage: "a YAML file with any of these settings by name, but this one",
	})}
	for i := range settings {
		flags = append(flags, newSettingFlag(&settings[i]))
	}
	return flags
}

// settingFlag is the flag of a setting. The library only parses it: the
// environment and the default are our business, and so their mention in --help.
type settingFlag struct {
	*cli.StringFlag
	setting *setting
}

func newSettingFlag(s *setting) *settingFlag {
	return &settingFlag{&cli.StringFlag{Name: s.name}, s}
}

// Apply is cli.Flag's. A list may be given piece by piece.
func (f *settingFlag) Apply(set *flag.FlagSet) error {
	if f.setting.shape != listShape {
		return f.StringFlag.Apply(set)
	}
	set.Var(&pieces{}, f.Name, "")
	return nil
}

// pieces is a flag.Value that may be set again and again.
type pieces struct{ texts []string }

// Set implements flag.Value.
func (p *pieces) Set(text string) error {
	p.texts = append(p.texts, text)
	return nil
}

// String implements flag.Value.
func (p *pieces) String() string { return strings.Join(p.texts, ",") }

// String is the flag's line of --help.
func (f *settingFlag) String() string {
	s := f.setting
	line := fmt.Sprintf("--%s %s\t%s", s.name, s.value, s.usage)
	if s.shape == listShape {
		line += "; may repeat"
	}
	if fallback := s.fallback + s.derived; fallback != "" {
		line += fmt.Sprintf(" (default: %s)", fallback)
	}
	return fmt.Sprintf("%s [$%s]", line, s.env())
}
