package etf

import "math/big"

// Term is an Erlang term as a Go value. The interface is sealed: Atom, Int, *Big, Float, Binary, BitString, Tuple,
// List, Improper, Map, Pid, Port, Ref, Export, *Fun and *Record are all there are, so a type switch over them is
// complete. A nil Term is no term; encoding one is an error, and so it is for pointers to these types (but the three
// above) and structs that embed one, which the compiler takes for Terms.
//
// Every term prints in Erlang syntax, and Parse reads that back. Equal compares terms.
//
// Decoding makes new values, which belong to the caller. Nothing here changes a term, so any number of goroutines may
// read one.
type Term interface {
	String() string
	term()
}

// Atom is an Erlang atom: at most 255 characters of UTF-8.
type Atom string

// Int is an integer that fits 64 bits. Larger ones are *Big; a decoded integer is an Int whenever it fits.
type Int int64

// Big is an integer outside the range of Int. One that is inside is encoded and compared as the Int it equals.
// (*big.Int)(b) is its value.
type Big big.Int

// Float is a finite 64-bit float. ETF has no NaN and no infinities; encoding one is an error.
type Float float64

// Binary is a binary of whole bytes.
type Binary []byte

// BitString is a bit string whose length is no multiple of eight.
type BitString struct {
	Bytes []byte // the last byte carries its bits in the high positions
	Bits  uint8  // bits used in the last byte, 1 to 7; 0 and 8 mean all of it, which encodes as a Binary
}

// Tuple is {A, B, …}.
type Tuple []Term

// List is a proper list. A nil and an empty List are []. Erlang has no type for text: "abc" is a List of three Ints.
type List []Term

// Improper is a list that does not end in []: [A, B | Tail]. Elems has at least one element. If Tail is a list itself
// the value is the one list that both make up, and is encoded and printed so; a decoded Tail never is.
type Improper struct {
	Elems []Term
	Tail  Term
}

// Map is #{K => V, …} in the order in which it came or was written; keys are distinct. The order means nothing to Erlang.
type Map []Pair

// Pair is one association of a Map.
type Pair struct {
	Key, Value Term
}

// Pid identifies a process. It is comparable; all four fields are its identity (see the creation of a node).
type Pid struct {
	Node                 Atom
	ID, Serial, Creation uint32
}

// Port identifies a port.
type Port struct {
	Node     Atom
	ID       uint64
	Creation uint32
}

// Ref is a reference, of one to five words. It is comparable; words past Len are zero.
type Ref struct {
	Node     Atom
	Creation uint32
	Len      uint8
	Words    [5]uint32
}

// Export is fun Module:Function/Arity.
type Export struct {
	Module, Function Atom
	Arity            uint8
}

// Fun is a closure made by a BEAM node (NEW_FUN_EXT). A Go node cannot run it, but keeps it whole, so that it can be
// sent back, byte for byte, and run where its module is.
type Fun struct {
	Arity    uint8
	Uniq     [16]byte
	Index    uint32
	Module   Atom
	OldIndex Int // of 32 bits, as is OldUniq
	OldUniq  Int
	Pid      Pid
	Free     []Term // the values of its environment
}

// Record is a native record of OTP 29 (RECORD_EXT).
type Record struct {
	Exported     bool
	Module, Name Atom
	Fields       []Field
}

// Field is one field of a Record.
type Field struct {
	Name  Atom
	Value Term
}

func (Atom) term()      {}
func (Int) term()       {}
func (*Big) term()      {}
func (Float) term()     {}
func (Binary) term()    {}
func (BitString) term() {}
func (Tuple) term()     {}
func (List) term()      {}
func (Improper) term()  {}
func (Map) term()       {}
func (Pid) term()       {}
func (Port) term()      {}
func (Ref) term()       {}
func (Export) term()    {}
func (*Fun) term()      {}
func (*Record) term()   {}
