package realtime

// value implements link: the attachments of the packet are put where they belong.
func (l *line) value(raw rawData) (any, error) {
	v, err := jsonWire{}.value(raw)
	if err != nil || len(l.attachments) == 0 {
		return v, err
	}
	a := &attacher{attachments: l.attachments, used: make([]bool, len(l.attachments))}
	return a.walk(v)
}

// attacher puts attachments in the place of their placeholders. Each is used once,
// as clients do it: or a frame of 64 KiB could name one a thousand times, and be
// half a thousand times as large to everybody in the room (I6).
type attacher struct {
	attachments [][]byte
	used        []bool
}

// walk changes v.
func (a *attacher) walk(v any) (_ any, err error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = a.walk(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if v[placeholderKey] == true {
			return a.take(v["num"])
		}
		for k := range v {
			if v[k], err = a.walk(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func (a *attacher) take(index any) (any, error) {
	num, ok := index.(int64)
	if !ok || num < 0 || num >= int64(len(a.attachments)) || a.used[num] {
		return nil, badData()
	}
	a.used[num] = true
	return append([]byte{}, a.attachments[num]...), nil // the packet's are lent
}
