package etf

import "sync"

// AtomTable bounds how many different atoms a program takes from others. A BEAM node never forgets an atom and stops
// when it has 1,048,576 of them; in Go an atom is a string, which goes when nobody holds it, but a program that keeps terms,
// or uses atoms as keys of what it keeps, grows with them all the same.
//
// A table has the atoms that it was made with, and takes new ones until it is full. Decoding with the option Atoms then
// fails for terms with any other. A table that is full from the start is the option safe of erlang:binary_to_term/2.
//
// Any number of goroutines may use one table.
type AtomTable struct {
	max int

	mu    sync.Mutex
	known map[Atom]struct{}
}

// NewAtomTable returns a table of the known atoms with room for max atoms in all; for none but these if max is less than
// their number.
func NewAtomTable(max int, known ...Atom) *AtomTable {
	t := &AtomTable{known: make(map[Atom]struct{}, len(known))}
	for _, a := range known {
		t.known[a] = struct{}{}
	}
	t.max = len(t.known)
	if max > t.max {
		t.max = max
	}
	return t
}

// Len returns how many atoms are in the table.
func (t *AtomTable) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.known)
}

// Atoms makes Decode, Unmarshal, Raw.Decode, As and a Decoder refuse terms with atoms that are not in table and have no
// room there. Names of nodes in pids, ports and references are atoms too. The term is looked through before it is decoded:
// one that is refused, which is a *LimitError, leaves no atom in the table, but one that is then found to be malformed
// or not to fit does. Readers made with NewReader do not look at the table, nor does anything that the atom cache of a
// connection has resolved.
func Atoms(table *AtomTable) Option {
	return func(o *options) { o.atoms = table }
}

// admit enters the atoms of the bare term that starts at data[at].
func (t *AtomTable) admit(data []byte, at int) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var fresh map[Atom]struct{}
	s := scanner{pos: at, left: 1}
	s.atom = func(at int, text []byte, isLatin1 bool) error {
		if _, ok := t.known[Atom(text)]; ok && !isLatin1 { // no allocation
			return nil
		}
		a := Atom(text)
		if isLatin1 {
			a = latin1(text)
		}
		if _, ok := t.known[a]; ok {
			return nil
		}
		if fresh == nil {
			fresh = make(map[Atom]struct{})
		}
		fresh[a] = struct{}{}
		if len(t.known)+len(fresh) > t.max {
			return &LimitError{Offset: at, Limit: "Atoms", Max: t.max}
		}
		return nil
	}
	if _, err := s.run(data); err != nil {
		return err
	}
	for a := range fresh {
		t.known[a] = struct{}{}
	}
	return nil
}
