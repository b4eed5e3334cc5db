package main

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// kv stores values under keys, both any terms: {set, K, V} answers ok, {get, K} the value or nil, keys the list of keys in
// the order in which they were first set. Two keys are one if they are the same by =:=, so 1 and 1.0 are two.
type kv struct {
	entries []kvEntry
	index   map[string]int // by termKey
}

// State is the store as a map, for sys:get_state.
func (s *kv) State() any {
	m := etf.AppendMapHeader(nil, len(s.entries))
	for _, e := range s.entries {
		for _, raw := range []etf.Raw{e.key, e.value} {
			m, _ = etf.Append(m, raw) // which came from a message that was read
		}
	}
	return etf.Raw{Bytes: m}
}

// kvEntry keeps terms as bytes: nobody here wants to know what is in them.
type kvEntry struct{ key, value etf.Raw }

func newKV() *kv { return &kv{index: make(map[string]int)} }

func (s *kv) HandleCall(_ *node.Process, _ gen.From, raw etf.Raw) (any, error) {
	switch name, args := request(raw); name {
	case "set/2":
		return s.set(args[0], args[1]), nil
	case "get/1":
		return s.get(args[0]), nil
	case "keys/0":
		keys := make([]etf.Raw, len(s.entries))
		for i, e := range s.entries {
			keys[i] = e.key
		}
		return keys, nil
	}
	return unknown{Reason: unknownCall{Request: raw}}, nil
}

func (s *kv) set(key, value etf.Raw) any {
	k, err := termKey(key)
	if err != nil {
		return badTerm{Text: err.Error()}
	}
	if _, err := value.Term(); err != nil { // it has to be one when it goes out again
		return badTerm{Text: err.Error()}
	}
	if i, ok := s.index[k]; ok {
		s.entries[i].value = value.Own()
		return etf.Atom("ok")
	}
	s.index[k] = len(s.entries)
	s.entries = append(s.entries, kvEntry{key.Own(), value.Own()})
	return etf.Atom("ok")
}

func (s *kv) get(key etf.Raw) any {
	k, err := termKey(key)
	if err != nil {
		return badTerm{Text: err.Error()}
	}
	if i, ok := s.index[k]; ok {
		return s.entries[i].value
	}
	return etf.Atom("nil")
}

// badTerm is {error, Text}, for bytes that are no term: a BEAM node does not send them.
type badTerm struct {
	_    struct{} `etf:"error,tuple"`
	Text string
}
