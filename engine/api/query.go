package api

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

const defaultLimit = 50

// parameters returns the query, refusing one that is not well-formed instead of guessing.
func (r *request) parameters() (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fieldError("query", "malformed", "the query is not well-formed")
	}
	return q, nil
}

// limit is how many items are asked for, 1 to engine.MaxPage.
func limit(q url.Values) (int, error) {
	if !q.Has("limit") {
		return defaultLimit, nil
	}
	digits := q.Get("limit")
	n, err := strconv.ParseUint(digits, 10, 64)
	if errors.Is(err, strconv.ErrRange) && strings.Trim(digits, "0123456789") == "" { // it stops before it has read all
		return engine.MaxPage, nil
	}
	if err != nil || n < 1 {
		return 0, fieldError("limit", "malformed", "limit must be a number from 1 to 200")
	}
	return int(min(n, engine.MaxPage)), nil
}

// idParameter reads an id from the query; absent is the zero id. The id of all
// zeros names nothing but a place, before everything: after it is the first page.
func idParameter(q url.Values, name string) (engine.ID, error) {
	if !q.Has(name) {
		return engine.ID{}, nil
	}
	id, err := engine.ParseID(q.Get(name))
	if err != nil {
		return id, fieldError(name, "malformed", name+" must be an id")
	}
	if id.IsZero() {
		id[len(id)-1] = 1
	}
	return id, nil
}

// messageRange reads which page of messages is asked for.
func (r *request) messageRange() (rg engine.Range, err error) {
	q, err := r.parameters()
	if err != nil {
		return rg, err
	}
	if rg.Limit, err = limit(q); err != nil {
		return rg, err
	}
	places := []*engine.ID{&rg.Before, &rg.After, &rg.Around}
	given := 0
	for i, name := range []string{"before", "after", "around"} {
		if *places[i], err = idParameter(q, name); err != nil {
			return rg, err
		}
		if given += len(q[name]); given > 1 {
			return rg, fieldError(name, "malformed", "give one of before, after and around, once")
		}
	}
	return rg, nil
}

// listRange reads a list's cursor and limit.
func (r *request) listRange() (after string, n int, err error) {
	q, err := r.parameters()
	if err == nil {
		n, err = limit(q)
	}
	return q.Get("after"), n, err
}

// idListRange is listRange for lists whose cursor is an id.
func (r *request) idListRange() (after engine.ID, n int, err error) {
	cursor, n, err := r.listRange()
	if err == nil {
		after, err = idField("after", cursor)
	}
	return after, n, err
}
