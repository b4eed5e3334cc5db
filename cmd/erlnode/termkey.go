package main

import (
	"bytes"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// termKey returns a Go map key for a term: the same for two terms exactly if they are the same in Erlang, by =:=. It is
// the encoding, with the keys of maps in an order of their own.
func termKey(raw etf.Raw) (string, error) {
	t, err := raw.Term()
	if err != nil {
		return "", err
	}
	b, err := etf.AppendTerm(nil, ordered(t))
	return string(b), err
}

// ordered returns the same term with all maps in it ordered by the encoding of their keys.
func ordered(t etf.Term) etf.Term {
	switch t := t.(type) {
	case etf.Tuple:
		return etf.Tuple(orderedAll(t))
	case etf.List:
		return etf.List(orderedAll(t))
	case etf.Improper:
		return etf.Improper{Elems: orderedAll(t.Elems), Tail: ordered(t.Tail)}
	case *etf.Fun:
		fun := *t
		fun.Free = orderedAll(t.Free)
		return &fun
	case *etf.Record:
		record := *t
		record.Fields = slices.Clone(t.Fields)
		for i, f := range t.Fields {
			record.Fields[i].Value = ordered(f.Value)
		}
		return &record
	case etf.Map:
		return orderedMap(t)
	}
	return t
}

func orderedAll(list []etf.Term) []etf.Term {
	all := make([]etf.Term, len(list))
	for i, t := range list {
		all[i] = ordered(t)
	}
	return all
}

func orderedMap(m etf.Map) etf.Map {
	type entry struct {
		key  []byte
		pair etf.Pair
	}
	entries := make([]entry, len(m))
	for i, p := range m {
		p = etf.Pair{Key: ordered(p.Key), Value: ordered(p.Value)}
		key, _ := etf.AppendTerm(nil, p.Key) // what was decoded can be encoded
		entries[i] = entry{key, p}
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	for i, e := range entries {
		if i == 0 {
			m = make(etf.Map, len(entries))
		}
		m[i] = e.pair
	}
	return m
}
