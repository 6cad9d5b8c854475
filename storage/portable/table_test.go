package portable

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// Every kind of event, and every field of its payload, has a readable form: who adds
// one adds it to the table.
func TestTableIsComplete(t *testing.T) {
	for n := range 256 {
		payload, k := engine.NewPayload(engine.Kind(n)), byNumber[n]
		if (payload != nil) != (k != nil) {
			t.Errorf("kind %d: payload %T, and in the table: %v", n, payload, k != nil)
			continue
		}
		if k != nil {
			compareFields(t, k.name, reflect.TypeOf(payload).Elem(), k.fields)
		}
	}
}

func compareFields(t *testing.T, where string, payload reflect.Type, fields []field) {
	t.Helper()
	if payload.NumField() != len(fields) {
		t.Errorf("%s: %s has %d fields, and the table %d", where, payload, payload.NumField(), len(fields))
		return
	}
	for i := range payload.NumField() {
		of := payload.Field(i)
		tag, _, _ := strings.Cut(of.Tag.Get("cbor"), ",")
		key, err := strconv.ParseUint(tag, 10, 64)
		f := keyed(fields, key)
		if err != nil || f == nil {
			t.Errorf("%s: %s (%q) is not in the table", where, of.Name, tag)
			continue
		}
		compareForm(t, where+"."+f.name, of.Type, f)
	}
}

func compareForm(t *testing.T, where string, of reflect.Type, f *field) {
	t.Helper()
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	want := map[reflect.Type]form{
		reflect.TypeFor[string](): formText, reflect.TypeFor[bool](): formFlag, reflect.TypeFor[engine.ID](): formID,
		reflect.TypeFor[[]byte](): formBytes, reflect.TypeFor[int64](): formCount, reflect.TypeFor[engine.Time](): formTime,
		reflect.TypeFor[engine.Role](): formRole, reflect.TypeFor[[]engine.ID](): formIDs,
	}
	form, ok := want[of]
	switch {
	case ok && form != f.form:
		t.Errorf("%s: the table has form %d for a %s", where, f.form, of)
	case !ok && (of.Kind() != reflect.Slice || f.form != formItems):
		t.Errorf("%s: there is no form for a %s", where, of)
	case !ok:
		compareFields(t, where, of.Elem(), f.items)
	}
}

// Names are told apart, and keys are in order.
func TestTableIsPlain(t *testing.T) {
	everyEvent := []string{nameOrigin, nameSeq, nameID, nameAt, nameKind, nameRoom, nameUser, nameWithheld, nameExtra, nameData, "sha256"}
	for i := range table {
		k := &table[i]
		if byName[k.name] != k || byNumber[k.number] != k || strings.HasPrefix(k.name, unknownPrefix) {
			t.Errorf("%s: there are two, or it is no name", k.name)
		}
		names := slices.Clone(everyEvent)
		for j, f := range k.fields {
			if slices.Contains(names, f.name) {
				t.Errorf("%s: %s is another field's name", k.name, f.name)
			}
			if names = append(names, f.name); j > 0 && f.key <= k.fields[j-1].key {
				t.Errorf("%s: %s is out of order", k.name, f.name)
			}
		}
	}
}

// The page of the form tells of every kind and field.
func TestDocsNameEveryField(t *testing.T) {
	doc := read(t, "../../docs/export.md")
	for i := range table {
		k := &table[i]
		names := make([]string, 0, len(k.fields))
		for _, f := range k.fields {
			names = append(names, "`"+f.name+"`")
		}
		if row := fmt.Sprintf("| `%s` | %s |", k.name, strings.Join(names, ", ")); !strings.Contains(doc, row) {
			t.Errorf("docs/export.md lacks the row\n%s", row)
		}
	}
}
