package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shape is what the value of a key may look like in the configuration file.
// There a type is known, so a wrong one is an error and not a guess: version
// 1.10 in YAML is the number 1.1, and a secret of digits loses its zeros.
type shape int

const (
	textShape   shape = iota // text
	sizeShape                // text, or a number of bytes
	countShape               // a number
	listShape                // text, or a list of texts
	switchShape              // text, or a truth value
	secretShape              // text that no message repeats
)

// found is a setting's value as text, and where it was written, for messages.
type found struct{ text, where string }

// readConfigFile returns the settings in a YAML file, by name, and the file's text.
func readConfigFile(name string) (map[string]found, []byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("--config: %w", err)
	}
	root, err := parseDocument(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if root == nil {
		return nil, data, nil
	}
	values, err := fileSettings(name, root)
	return values, data, err
}

func fileSettings(name string, root *yaml.Node) (map[string]found, error) {
	values := map[string]found{}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: expected lines of the form key: value", name, root.Line)
	}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		where := fmt.Sprintf("%s:%d: %s", name, key.Line, key.Value)
		s := findSetting(key.Value)
		if s == nil {
			return nil, fmt.Errorf("%s is not a setting%s", where, didYouMean(key.Value, settingNames()))
		}
		if _, twice := values[s.name]; twice {
			return nil, fmt.Errorf("%s is set twice", where)
		}
		text, err := s.shape.text(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		values[s.name] = found{text, where}
	}
	return values, nil
}

// parseDocument returns the root of the only document, nil if the file says nothing.
func parseDocument(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one YAML document")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	return root, nil
}

// text returns the value as a flag would have it.
func (s shape) text(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && s != countShape:
		return n.Value, nil
	case n.Kind == yaml.ScalarNode && n.Tag == "!!int" && (s == countShape || s == sizeShape):
		return n.Value, nil
	case n.Kind == yaml.ScalarNode && n.Tag == "!!bool" && s == switchShape:
		return strings.ToLower(n.Value), nil
	case n.Kind == yaml.SequenceNode && s == listShape:
		return joinTexts(n.Content)
	}
	if s == secretShape {
		return "", fmt.Errorf("expected %s", s)
	}
	return "", fmt.Errorf("expected %s, not %s", s, describe(n))
}

func joinTexts(items []*yaml.Node) (string, error) {
	var texts []string
	for _, item := range items {
		text, err := textShape.text(item)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "none", nil
	}
	return strings.Join(texts, ","), nil
}

func (s shape) String() string {
	return [...]string{"text (put quotes around it)", "a size, such as 16KiB", "a number", "a list of texts", "on or off", "text (put quotes around it)"}[s]
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + n.Value
	case n.Tag == "!!bool":
		return "the truth value " + n.Value
	}
	return fmt.Sprintf("%q", n.Value)
}
