package cli

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// A node that is started with what a backup kept runs as the old one did.
func TestRecipeIsAConfiguration(t *testing.T) {
	key := "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	secret := "a \"secret\" of an other backend \\ with 'signs': #1"
	file := writeConfig(t, "max-connections: 77\njoin: [a.example, \"b.example:1\"]\n")
	c, err := load(values{"config": file, "addr": ":0", "compression": "on", "cluster-key": key, "data": "here"}, values{"KLATCH_AUTH_JWT_SECRET": secret})
	if err != nil {
		t.Fatal(err)
	}
	files := c.recipe.files()
	if !strings.Contains(string(files["file.yaml"]), "max-connections: 77") {
		t.Errorf("the file is %q", files["file.yaml"])
	}
	again, err := load(values{"config": writeConfig(t, string(files["settings.yaml"])), "data": "here"}, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, files["settings.yaml"])
	}
	c.recipe, again.recipe = recipe{}, recipe{}
	if !reflect.DeepEqual(again, c) {
		t.Errorf("has become\n%+v, was\n%+v", again, c)
	}
}

func TestRecipeIsNeverPrinted(t *testing.T) {
	c, err := load(values{"auth-jwt-secret": "0123456789abcdef0123456789abcdef"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, c.recipe); text != "(recipe)" {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
