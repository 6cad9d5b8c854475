package bench

import (
	"strings"
	"testing"
	"time"
)

func TestScenariosAreValid(t *testing.T) {
	for _, name := range ScenarioNames() {
		c := Scenarios[name]
		c.URLs = []string{"http://127.0.0.1:8080"}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.Summary == "" {
			t.Errorf("%s says nothing of itself", name)
		}
		if c.Kind != Fanout {
			continue
		}
		if c = c.ToFindMax(); c.Validate() != nil || c.Kind != FindMax || c.MaxP99 == 0 {
			t.Errorf("the search with %s: %+v, %v", name, c, c.Validate())
		}
	}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"no server address":               func(c *Config) { c.URLs = nil },
		"0 users cannot be in 2 rooms":    func(c *Config) { c.Users = 0 },
		"10 users cannot be in 11 rooms":  func(c *Config) { c.Rooms = 11 },
		"the rate must be above 0":        func(c *Config) { c.Rate = -1 },
		"the duration must be above 0":    func(c *Config) { c.Duration = 0 },
		"a body needs 64 bytes":           func(c *Config) { c.Body = 63 },
		"10 of 10 users cannot stall":     func(c *Config) { c.Stalled = 10 },
		"1 of 10 users cannot stall":      func(c *Config) { c.Kind, c.Stalled = FindMax, 1 },
		"the posts a second must be 0":    func(c *Config) { c.Kind, c.Messages, c.Posts = Pages, 50, -1 },
		"49 messages are too few to":      func(c *Config) { c.Kind, c.Messages = Pages, 49 },
		"49 messages are too few":         func(c *Config) { c.Kind, c.Messages = History, 49 },
		"speaks plain http://":            func(c *Config) { c.URLs = []string{"https://127.0.0.1:1"} },
		"want http://ADDRESS:PORT":        func(c *Config) { c.URLs = []string{"http://example.org:80"} },
		"want http://ADDRESS:PORT with a": func(c *Config) { c.URLs = append(c.URLs, "http://127.0.0.1") },
	} {
		c := Config{Kind: Fanout, URLs: []string{"http://localhost:8080/"}, Users: 10, Rooms: 2, Rate: 1, Body: 64, Duration: time.Second}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
